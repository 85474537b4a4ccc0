import { HandleWire } from './handle-wire.ts';
import { RingSockets } from './ring-sockets.ts';
import { type HandleKit, handleKit, type SocketHandle } from './socket-handle.ts';
import { SocketWire } from './socket-wire.ts';
import type { DialTarget, Wire, WireSink } from './wire.ts';

/** How wires are made: on handles where they are known, else on `net.Socket`. */
export interface WireMaker {
  /** Wraps a handle that was accepted. */
  accepted(handle: object): Wire;
  /** Starts a connection; `sink.onConnect` or `sink.onClose` follows. `local` is the address to come from, '' for any. */
  dial(to: DialTarget, local: string, sink: WireSink): Wire;
}

/** Wires on `net.Socket`: they work with every version of Node. */
export const socketWires: WireMaker = {
  accepted: (handle) => new SocketWire(handle),
  dial(to, local, sink) {
    const wire = new SocketWire();
    wire.sink = sink;
    if ('path' in to) wire.connect({ path: to.path });
    else wire.connect({ host: to.host, port: to.port, ...(local === '' ? {} : { localAddress: local }) });
    return wire;
  },
};

/** Wires on handles. Those that live long use the ring, when there is one. */
export class HandleWires implements WireMaker {
  ring: RingSockets | undefined;
  readonly #kit: HandleKit;

  constructor(kit: HandleKit, ring?: RingSockets) {
    this.#kit = kit;
    this.ring = ring;
  }

  accepted(handle: object): Wire {
    return new HandleWire(this.#kit, handle as SocketHandle, this.ring);
  }

  dial(to: DialTarget, local: string, sink: WireSink): Wire {
    const wire = new HandleWire(this.#kit, 'path' in to ? this.#kit.newPipe() : this.#kit.newTcp(), this.ring);
    wire.sink = sink;
    wire.connect(to, local);
    return wire;
  }
}

/** The fastest wires that this version of Node has. */
export const wires: WireMaker = handleKit === undefined ? socketWires : new HandleWires(handleKit);

/**
 * Lets the wires of this thread use io_uring from now on, or stop using it. Throws, with the reason, where it cannot be had;
 * `record` is for `freeRing`, when the thread has ended.
 */
export function useIoUring(on: boolean, record: BigUint64Array): void {
  if (!(wires instanceof HandleWires)) {
    if (on) throw new Error(`it is not used with Node ${process.version}`);
    return;
  }
  if (on) wires.ring ??= new RingSockets(handleKit!, record);
  if (wires.ring !== undefined) wires.ring.open = on;
}
