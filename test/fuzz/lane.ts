import net from 'node:net';
import type { ConfigInput } from '../../src/config/schema.ts';
import { RawClient } from '../support/raw-client.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { LaneBackend } from './lane-backend.ts';

const PATIENCE_MS = 20_000;

/** A listener of Fairlead with a pool and a backend of its own, so that what comes there belongs to the case under way. */
export class Lane {
  readonly backend: LaneBackend;
  /** How long a case may wait for something that must come, in ms: far more than anything takes. */
  readonly patienceMs: number;
  /** Fairlead holds bodies of requests here, and answers an Expect itself. */
  readonly holds: boolean;
  readonly #port: number;

  constructor(backend: LaneBackend, port: number, { patienceMs = PATIENCE_MS, holds = false } = {}) {
    this.backend = backend;
    this.holds = holds;
    this.#port = port;
    this.patienceMs = patienceMs;
  }

  /** A client connection; it is to be closed by the case. */
  async connect(): Promise<RawClient> {
    const socket = net.connect({ host: '127.0.0.1', port: this.#port, allowHalfOpen: true, noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('connect', resolve).once('error', reject);
    await promise;
    return new RawClient(socket);
  }
}

/** A running Fairlead with lanes through it. */
export interface Lanes {
  readonly lanes: readonly Lane[];
  readonly fairlead: RunningFairlead;
  close(): Promise<void>;
}

/** What no case has in its body. */
const NEVER_SENT = 'a text that no case has in it';

/** Every other lane holds bodies to look into them, and sends them on as they came. */
const holdsBodies = (lane: number): boolean => lane % 2 === 1;

/** Longer than any case, so that a timer never ends what is to be looked at. */
const timeouts = { header: '5m', body: '5m', idle: '5m' };

/** Starts Fairlead with `count` lanes. */
export async function startLanes(count: number): Promise<Lanes> {
  const backends = Array.from({ length: count }, () => new LaneBackend());
  const addresses = await Promise.all(backends.map((backend) => backend.listen()));
  const listeners: ConfigInput['listeners'] = {};
  const pools: NonNullable<ConfigInput['pools']> = {};
  for (const [i, address] of addresses.entries()) {
    const pool = `lane-${i}`;
    const routes = [...(holdsBodies(i) ? [{ match: { body: { contains: NEVER_SENT } }, pool }] : []), { pool }];
    listeners[pool] = { protocol: 'http', bind: '127.0.0.1:0', timeouts, routes };
    pools[`lane-${i}`] = { backends: [address], health: { type: 'off' } };
  }
  const fairlead = await runFairlead({ admin: { bind: '127.0.0.1:0' }, listeners, pools });
  const portOf = (i: number): number => Number(fairlead.address(`lane-${i}`).split(':').at(-1));
  return {
    lanes: backends.map((backend, i) => new Lane(backend, portOf(i), { holds: holdsBodies(i) })),
    fairlead,
    async close() {
      await fairlead.close();
      for (const backend of backends) backend.close();
    },
  };
}

/** Sends a text in pieces that end at these places, each in a turn of the event loop of its own. */
export async function sendPieces(socket: net.Socket, text: string, cuts: readonly number[]): Promise<void> {
  let from = 0;
  for (const to of cuts) {
    if (to === from) continue;
    if (socket.destroyed) return;
    socket.write(text.slice(from, to), 'latin1');
    from = to;
    if (from < text.length) await new Promise((resolve) => setImmediate(resolve));
  }
}
