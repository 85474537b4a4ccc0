import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import { answerText, type RecordedConnection, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { type Peer, startPeer } from '../support/tcp-peer.ts';

afterAll(closeOpened);

/** A backend that answers when it is told to, the oldest request first. */
async function startSlow() {
  const open: RecordedConnection[] = [];
  const backend = await startBackend((_request, connection) => void open.push(connection));
  const answer = (text = answerText('ok')): void => void open.shift()!.socket.write(text);
  const asked = (count: number): Promise<void> =>
    eventually(() => backend.requests.length === count, `request ${count}`);
  return { backend, address: backend.address, answer, asked };
}

type Slow = Awaited<ReturnType<typeof startSlow>>;
type Places = Record<string, { protocol?: 'http' | 'tcp'; addresses: readonly string[]; queue: object }>;

/** For each name a listener and a pool, whose backends take one lease each. */
function config(places: Places): ConfigInput {
  const of = <T>(make: (place: Places[string], name: string) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(places).map(([name, place]) => [name, make(place, name)]));
  return {
    admin: { bind: '127.0.0.1:0' },
    listeners: of(({ protocol = 'http' }, pool) => ({ protocol, bind: '127.0.0.1:0', pool })),
    pools: of(({ addresses, queue }) => ({
      backends: addresses.map((address) => ({ address, maxConnections: 1 })),
      health: { type: 'off' as const },
      queue,
    })),
  };
}

const waiting = (lb: RunningFairlead, count: number, pool = 'web'): Promise<void> =>
  eventually(async () => (await metric(lb, 'queue_length', { pool })) === count, `${count} that wait`);

async function ask(lb: RunningFairlead, path = '/', listener = 'web'): Promise<RawClient> {
  return (await connectTo(lb.address(listener))).send(get(path));
}

describe('requests that find every backend at its limit', () => {
  it('wait in whichever worker, and are served in the order they came', async () => {
    const { backend, answer, asked } = await startSlow();
    const queue = { max: 10, timeout: '20s' };
    const lb = await runFairlead({ ...config({ web: { addresses: [backend.address], queue } }), workers: 4 });
    const clients = [await ask(lb, '/0')];
    await asked(1);
    for (let i = 1; i < 6; i++) {
      clients.push(await ask(lb, `/${i}`));
      await waiting(lb, i);
    }
    for (let i = 0; i < 6; i++) {
      await asked(i + 1);
      answer();
      expect((await clients[i]!.answer()).status).toBe(200);
    }
    expect(backend.requests.map(({ startLine }) => startLine.split(' ')[1])).toEqual(
      Array.from({ length: 6 }, (_, i) => `/${i}`),
    );
    expect(await metric(lb, 'queue_waits_total', { result: 'served' })).toBe(5);
    expect(await metric(lb, 'queue_wait_seconds_count')).toBe(5);
    await lb.close();
  });

  it('go to a backend that a reload adds, outlive a reload that ends the queue, and are served in a drain', async () => {
    const [slow, added] = [await startSlow(), await startSlow()];
    const queue = { max: 10, timeout: '20s' };
    const lb = await runFairlead(config({ web: { addresses: [slow.address], queue } }));
    const clients = [await ask(lb)];
    await slow.asked(1);
    for (let i = 0; i < 3; i++) clients.push(await ask(lb));
    await waiting(lb, 3);
    await lb.reloadWith(config({ web: { addresses: [slow.address], queue: { max: 0 } } }));
    expect((await (await ask(lb)).answer()).status).toBe(503);
    await lb.reloadWith(config({ web: { addresses: [slow.address, added.address], queue: { max: 0 } } }));
    await added.asked(1);
    const drained = lb.drain();
    slow.answer();
    added.answer();
    await Promise.all([slow.asked(2), added.asked(2)]);
    slow.answer();
    added.answer();
    for (const client of clients) expect((await client.answer()).status).toBe(200);
    expect(await drained).toBe(true);
  });
});

describe('a queue', () => {
  let lb: RunningFairlead;
  let peer: Peer;
  const slow = {} as Record<'strict' | 'web' | 'second', Slow>;

  beforeAll(async () => {
    for (const name of ['strict', 'web', 'second'] as const) slow[name] = await startSlow();
    const dying = await startBackend((_request, { socket }) => void socket.resetAndDestroy());
    peer = await startPeer((socket) => socket.pipe(socket));
    const queue = { max: 1, timeout: '20s' };
    lb = await runFairlead(
      config({
        strict: { addresses: [slow.strict.address], queue: { max: 1, timeout: '1500ms' } },
        web: { addresses: [slow.web.address], queue },
        second: { addresses: [slow.second.address, dying.address], queue },
        tcp: { protocol: 'tcp', addresses: [peer.address], queue: { max: 1, timeout: '1s' } },
        left: { protocol: 'tcp', addresses: [peer.address], queue },
      }),
    );
  });

  it('refuses those for whom there is no place, and those who have waited too long', async () => {
    await ask(lb, '/', 'strict');
    await slow.strict.asked(1);
    const patient = await ask(lb, '/', 'strict');
    await waiting(lb, 1, 'strict');
    const refused = await (await ask(lb, '/', 'strict')).answer();
    expect(refused.body).toContain('is at its connection limit');
    const late = await patient.answer();
    expect(late.body).toContain('had a free place in time');
    for (const answer of [refused, late]) {
      const fields = [fieldOf(answer, 'fairlead-error'), fieldOf(answer, 'retry-after')];
      expect([answer.status, ...fields]).toEqual([503, 'saturated', '1']);
    }
    expect(await metric(lb, 'refusals_total', { listener: 'strict', reason: 'saturated' })).toBe(2);
    for (const result of ['full', 'timeout'])
      expect(await metric(lb, 'queue_waits_total', { pool: 'strict', result })).toBe(1);
    expect(slow.strict.backend.requests).toHaveLength(1);
  });

  it('has a place again when a client leaves', async () => {
    const first = await ask(lb, '/first');
    await slow.web.asked(1);
    const leaving = await ask(lb, '/leaving');
    await waiting(lb, 1);
    leaving.close();
    await waiting(lb, 0);
    const next = await ask(lb, '/next');
    await waiting(lb, 1);
    slow.web.answer();
    await first.answer();
    await slow.web.asked(2);
    slow.web.answer();
    expect((await next.answer()).status).toBe(200);
    expect(slow.web.backend.requests.at(-1)!.startLine).toContain('/next');
    expect(await metric(lb, 'queue_waits_total', { pool: 'web', result: 'left' })).toBe(1);
  });

  it('takes second tries', async () => {
    const clients = [await ask(lb, '/', 'second'), await ask(lb, '/', 'second')];
    await waiting(lb, 1, 'second');
    await slow.second.asked(1);
    slow.second.answer();
    await slow.second.asked(2);
    slow.second.answer();
    for (const client of clients) expect((await client.answer()).status).toBe(200);
  });

  /** The client of L4 is reset, maybe so soon that it has not even seen itself connected. */
  async function resetOnArrival(listener: string): Promise<void> {
    const arrived = connectTo(lb.address(listener)).then(async (client) => (await client.ended()).ending);
    expect(await arrived.catch(({ code }: NodeJS.ErrnoException) => code)).toMatch(/^(reset|ECONNRESET)$/);
  }

  async function echoed(listener: string): Promise<RawClient> {
    const client = (await connectTo(lb.address(listener))).send('a');
    await client.until(() => client.text === 'a', 'its echo');
    return client;
  }

  it('keeps what a connection of L4 says while it waits, and resets one that waits too long', async () => {
    const first = await echoed('tcp');
    const second = (await connectTo(lb.address('tcp'))).send('bc').end();
    await waiting(lb, 1, 'tcp');
    await resetOnArrival('tcp');
    first.close();
    expect(await second.ended()).toEqual({ text: 'bc', ending: 'fin' });
    const holder = await echoed('tcp');
    await resetOnArrival('tcp');
    holder.close();
    expect(await metric(lb, 'refusals_total', { listener: 'tcp', reason: 'all-saturated' })).toBe(2);
    expect(peer.taken).toBe(3);
  });

  it.each<[string, (client: RawClient) => void]>([
    ['leaves with a reset', (client) => client.send('x').reset()],
    ['leaves without a word', (client) => client.close()],
  ])('has a place again when a client of L4 %s', async (_name, leave) => {
    const first = await echoed('left');
    const leaving = await connectTo(lb.address('left'));
    await waiting(lb, 1, 'left');
    leave(leaving);
    await waiting(lb, 0, 'left');
    first.close();
    await eventually(async () => (await metric(lb, 'backend_active', { pool: 'left' })) === 0, 'a free backend');
  });
});
