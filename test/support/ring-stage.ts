import { once } from 'node:events';
import type net from 'node:net';
import { RingAccept } from '../../src/accept/ring-accept.ts';
import { HandleWires } from '../../src/support/open-wire.ts';
import { createRingRecord } from '../../src/support/ring-record.ts';
import { RingSockets } from '../../src/support/ring-sockets.ts';
import { handleKit } from '../../src/support/socket-handle.ts';
import { listeningHandle, until, WireStage } from './wire-stage.ts';

/** Wires that a ring may read and write. */
class RingStage extends WireStage {
  readonly ring: RingSockets;

  constructor(record = createRingRecord()) {
    const ring = new RingSockets(handleKit!, record, 1);
    super(new HandleWires(handleKit!, ring));
    this.ring = ring;
  }

  /** Gives the ring back, once nothing is in it. */
  async close(): Promise<void> {
    this.clear();
    await until(() => this.ring.size === 0);
    this.ring.close();
  }
}

/** Wires that a ring has accepted or connected. */
export class BareStage extends RingStage {
  protected override accepting(server: net.Server, onSocket: (socket: object) => void): () => void {
    const listening = { handle: listeningHandle(server), close: () => void server.close() };
    const accept = new RingAccept(handleKit!, listening, onSocket);
    accept.useRing(this.ring);
    return () => accept.close();
  }
}

/** Wires on handles that are in a ring by the time a test has them. */
export class JoinedStage extends RingStage {
  override async dialled(where?: net.ListenOptions) {
    this.ring.open = false;
    const staged = await super.dialled(where);
    this.ring.open = true;
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
