import { HandleWire } from './handle-wire.ts';
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

/** Wires on handles. */
export function handleWires(kit: HandleKit): WireMaker {
  return {
    accepted: (handle) => new HandleWire(kit, handle as SocketHandle),
    dial(to, local, sink) {
      const wire = new HandleWire(kit, 'path' in to ? kit.newPipe() : kit.newTcp());
      wire.sink = sink;
      wire.connect(to, local);
      return wire;
    },
  };
}

/** The fastest wires that this version of Node has. */
export const wires: WireMaker = handleKit === undefined ? socketWires : handleWires(handleKit);
