import { HandleWire } from './handle-wire.ts';
import { RingHandle, ringKit } from './ring-handle.ts';
import type { RingPasses } from './ring-passes.ts';
import type { RingRecord } from './ring-record.ts';
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

/** Wires on handles, or on a ring when there is one: by itself, or in place of handles where that is cheaper. */
export class HandleWires implements WireMaker {
  readonly #kit: HandleKit;
  #ring: RingSockets | undefined;
  #ringKit: HandleKit | undefined;

  constructor(kit: HandleKit, ring?: RingSockets) {
    this.#kit = kit;
    if (ring !== undefined) this.ring = ring;
  }

  get ring(): RingSockets | undefined {
    return this.#ring;
  }

  set ring(ring: RingSockets) {
    this.#ring = ring;
    this.#ringKit = ringKit(this.#kit, ring);
  }

  accepted(handle: object): Wire {
    const kit = handle instanceof RingHandle ? this.#ringKit! : this.#kit;
    return new HandleWire(kit, handle as SocketHandle, this.#ring);
  }

  dial(to: DialTarget, local: string, sink: WireSink): Wire {
    const kit = this.#ring?.open !== true || 'path' in to ? this.#kit : this.#ringKit!;
    const wire = new HandleWire(kit, 'path' in to ? kit.newPipe() : kit.newTcp(), this.#ring);
    wire.sink = sink;
    wire.connect(to, local);
    return wire;
  }
}

/** The fastest wires that this version of Node has. */
export const wires: WireMaker = handleKit === undefined ? socketWires : new HandleWires(handleKit);

/** Something that uses the ring of this thread while it may be used. */
export interface RingUser {
  /** It may be used from now on, or not any more. */
  useRing(ring: RingSockets | undefined): void;
}

const ringUsers = new Set<RingUser>();

/** Has somebody told when the ring may be used, and now when it may; returns how to end that. */
export function watchRing(user: RingUser): () => void {
  ringUsers.add(user);
  if (wires instanceof HandleWires && wires.ring?.open === true) user.useRing(wires.ring);
  return () => ringUsers.delete(user);
}

/** Passes over what waits for the ring of this thread, if it has one. */
export function ringPasses(): RingPasses | undefined {
  return wires instanceof HandleWires ? wires.ring?.passes : undefined;
}

/**
 * Lets the wires of this thread use io_uring from now on, or stop using it. Throws, with the reason, where it cannot be had;
 * `record` is for `freeRing`, when the thread has ended.
 */
export function useIoUring(on: boolean, record: RingRecord): void {
  if (!(wires instanceof HandleWires)) {
    if (on) throw new Error(`it is not used with Node ${process.version}`);
    return;
  }
  if (on) wires.ring ??= new RingSockets(handleKit!, record);
  if (wires.ring === undefined) return;
  wires.ring.open = on;
  for (const user of ringUsers) user.useRing(on ? wires.ring : undefined);
}
