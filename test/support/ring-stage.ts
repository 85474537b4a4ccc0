import { once } from 'node:events';
import type net from 'node:net';
import { HandleWires } from '../../src/support/open-wire.ts';
import { createRingRecord } from '../../src/support/ring-memory.ts';
import { RingSockets } from '../../src/support/ring-sockets.ts';
import { handleKit } from '../../src/support/socket-handle.ts';
import { until, WireStage } from './wire-stage.ts';

/** Wires that are in a ring of io_uring by the time a test has them. */
export class RingStage extends WireStage {
  readonly ring: RingSockets;

  constructor() {
    const ring = new RingSockets(handleKit!, createRingRecord(), 1);
    super(new HandleWires(handleKit!, ring));
    this.ring = ring;
  }

  override async dialled(where?: net.ListenOptions) {
    const staged = await super.dialled(where);
    const { wire, sink, peer } = staged;
    // Unix sockets stay with their handles.
    if (where?.path !== undefined) return staged;
    const others = this.ring.size;
    wire.writeText('?');
    await once(peer, 'readable');
    peer.read();
    peer.write('!');
    await until(() => this.ring.size === others + 1);
    sink.log.splice(1);
    sink.chunks.length = 0;
    return staged;
  }
}
