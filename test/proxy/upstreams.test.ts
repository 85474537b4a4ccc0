import { Buffer } from 'node:buffer';
import { afterEach, describe, expect, it } from 'vitest';
import { Backend } from '../../src/pool/backend.ts';
import type { ConnectPlan } from '../../src/proxy/deps.ts';
import { BackendConnection, type BackendUser, Upstreams } from '../../src/proxy/upstreams.ts';
import { Deadlines } from '../../src/support/deadlines.ts';
import { silentSink, type Wire, type WireSink } from '../../src/support/wire.ts';
import { healthyTable } from '../pool/stage.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

const plan: ConnectPlan = {
  timeoutMs: 1000,
  local: '',
  keepAliveMax: 2,
  keepAliveIdleMs: 30_000,
  proxyProtocol: 'off',
};

/** Stands in for a socket that nobody connects. */
class IdleWire {
  sink: WireSink = silentSink;
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
  }
}

function backend(endpoints: Backend['endpoints'] = [], slot = 0): Backend {
  return new Backend(healthyTable(2), { slot, id: `b${slot}`, address: '', endpoints });
}

function stage() {
  const clock = { nowMs: 1000 };
  const deadlines = new Deadlines(() => clock.nowMs, setImmediate);
  const upstreams = new Upstreams(deadlines);
  const connect = (to: Backend) => {
    const connection = new BackendConnection(upstreams, to);
    const wire = new IdleWire();
    connection.wire = wire as unknown as Wire;
    wire.sink = connection;
    return { connection, wire };
  };
  const sweepAt = (ms: number): void => {
    clock.nowMs = ms;
    deadlines.step();
  };
  return { upstreams, deadlines, connect, sweepAt };
}

/** A user that notes what it hears. */
function listener() {
  const heard: string[] = [];
  const user: BackendUser = {
    onBackendConnect: () => void heard.push('connect'),
    onBackendBytes: (bytes, length) => {
      heard.push(bytes.toString('latin1', 0, length));
      return length > 1;
    },
    onBackendEnd: () => void heard.push('end'),
    onBackendDrain: () => void heard.push('drain'),
    onBackendClose: (error) => void heard.push(`close ${error?.code}`),
  };
  return { heard, user };
}

describe('kept connections', () => {
  it('are given out last in, first out, each once, to their own backend', () => {
    const { upstreams, connect } = stage();
    const [one, two] = [backend(), backend()];
    const first = connect(one).connection;
    const second = connect(one).connection;
    upstreams.keep(first, plan, 0);
    upstreams.keep(second, plan, 0);
    expect([upstreams.idleCount(one), upstreams.idleCount(two), first.reused]).toEqual([2, 0, true]);
    expect([upstreams.take(two), upstreams.take(one), upstreams.take(one), upstreams.take(one)]).toEqual([
      undefined,
      second,
      first,
      undefined,
    ]);
  });

  it('are no more than the plan allows: what comes on top is closed', () => {
    const { upstreams, connect, deadlines } = stage();
    const to = backend();
    const wires = [0, 1, 2].map(() => {
      const { connection, wire } = connect(to);
      upstreams.keep(connection, plan, 0);
      return wire;
    });
    expect([wires.map(({ destroyed }) => destroyed), upstreams.idleCount(to)]).toEqual([[false, false, true], 2]);
    expect(deadlines.size).toBe(2);
  });

  it.each([
    [0, 31_000],
    [5000, 5000],
    [3_600_000, 31_000],
  ])('that a backend promised %i ms are closed at %i', (promisedMs, closedAt) => {
    const { upstreams, connect, sweepAt, deadlines } = stage();
    const to = backend();
    const { connection, wire } = connect(to);
    upstreams.keep(connection, plan, promisedMs);
    sweepAt(closedAt - 1);
    expect([wire.destroyed, upstreams.idleCount(to)]).toEqual([false, 1]);
    sweepAt(closedAt);
    expect([wire.destroyed, upstreams.idleCount(to), deadlines.size]).toEqual([true, 0, 0]);
  });

  it.each([1, 1000])('that a backend promised no more than %i ms are closed at once', (promisedMs) => {
    const { upstreams, connect, deadlines } = stage();
    const to = backend();
    const { connection, wire } = connect(to);
    upstreams.keep(connection, plan, promisedMs);
    expect([wire.destroyed, upstreams.take(to), deadlines.size]).toEqual([true, undefined, 0]);
  });

  it('no longer expire once they are taken', () => {
    const { upstreams, connect, sweepAt, deadlines } = stage();
    const to = backend();
    const { connection, wire } = connect(to);
    upstreams.keep(connection, plan, 0);
    upstreams.take(to);
    sweepAt(1_000_000);
    expect([wire.destroyed, deadlines.size]).toEqual([false, 0]);
  });

  it.each<[string, (sink: WireSink) => unknown]>([
    ['ends', (sink) => sink.onEnd()],
    ['breaks', (sink) => sink.onClose(Object.assign(new Error('x'), { code: 'ECONNRESET' }))],
    ['speaks unasked', (sink) => sink.onBytes(Buffer.from('x'), 1)],
  ])('are forgotten when the backend %s', (_name, happen) => {
    const { upstreams, connect, deadlines } = stage();
    const to = backend();
    const other = connect(to).connection;
    const { connection, wire } = connect(to);
    upstreams.keep(connection, plan, 0);
    upstreams.keep(other, plan, 0);
    happen(wire.sink);
    expect([wire.destroyed, wire.sink === silentSink, deadlines.size]).toEqual([true, true, 1]);
    expect([upstreams.take(to), upstreams.take(to)]).toEqual([other, undefined]);
  });

  it('are closed with the backend they belong to', () => {
    const { upstreams, connect, deadlines } = stage();
    const [stays, leaves] = [backend(), backend([], 1)];
    const kept = connect(stays);
    const gone = connect(leaves);
    upstreams.keep(kept.connection, plan, 0);
    upstreams.keep(gone.connection, plan, 0);
    upstreams.prune(new Set([stays]));
    expect([kept.wire.destroyed, gone.wire.destroyed, deadlines.size]).toEqual([false, true, 1]);
    expect([upstreams.idleCount(stays), upstreams.idleCount(leaves)]).toEqual([1, 0]);
  });
});

describe('a connection in use', () => {
  it('tells its user all that happens', () => {
    const { connection } = stage().connect(backend());
    const { heard, user } = listener();
    connection.use(user);
    connection.onConnect();
    expect([connection.onBytes(Buffer.from('abc'), 2), connection.onBytes(Buffer.from('abc'), 1)]).toEqual([
      true,
      false,
    ]);
    connection.onDrain();
    connection.onEnd();
    connection.onClose(Object.assign(new Error('x'), { code: 'EPIPE' }));
    expect(heard).toEqual(['connect', 'ab', 'a', 'drain', 'end', 'close EPIPE']);
  });

  it('tells nobody of its end when it is dropped', () => {
    const { connection, wire } = stage().connect(backend());
    const { heard, user } = listener();
    connection.use(user);
    connection.drop();
    wire.sink.onClose(undefined);
    connection.onEnd();
    expect([wire.destroyed, heard]).toEqual([true, []]);
  });

  it('lets its wire go to a tunnel', () => {
    const { connection, wire } = stage().connect(backend());
    const { heard, user } = listener();
    connection.use(user);
    expect(connection.release()).toBe(wire);
    wire.sink.onEnd();
    expect([wire.destroyed, wire.sink, heard]).toEqual([false, silentSink, []]);
  });
});

describe('dial', () => {
  it('connects to the address that the backend has at the moment, and says when', async () => {
    const peers = [await startPeer(() => {}), await startPeer(() => {})];
    const endpoints = peers.map(({ address }) => ({ host: '127.0.0.1', port: Number(address.split(':')[1]) }));
    const to = backend(endpoints);
    const { upstreams } = stage();
    for (let turn = 0; turn < 3; turn++) {
      const connection = upstreams.dial(to, plan)!;
      const { heard, user } = listener();
      connection.use(user);
      await eventually(() => heard.length > 0, 'a connection');
      expect([heard, connection.reused]).toEqual([['connect'], false]);
      connection.drop();
      if (turn === 0) to.skipEndpoint(to.endpoint);
    }
    await eventually(() => peers[0]!.taken === 1 && peers[1]!.taken === 2, 'three connections');
  });

  it('says why it failed', async () => {
    const peer = await startPeer(() => {});
    await peer.close();
    const { heard, user } = listener();
    const port = Number(peer.address.split(':')[1]);
    stage()
      .upstreams.dial(backend([{ host: '127.0.0.1', port }]), plan)!
      .use(user);
    await eventually(() => heard.length > 0, 'an error');
    expect(heard).toEqual(['close ECONNREFUSED']);
  });

  it('of a backend whose name has no address is nothing', () => {
    expect(stage().upstreams.dial(backend([]), plan)).toBeUndefined();
  });
});
