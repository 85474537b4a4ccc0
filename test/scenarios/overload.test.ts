import { afterEach, expect, it } from 'vitest';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import { get } from '../support/requests.ts';
import { runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

/** An expression that takes the square of the length of a value which it does not match. */
const dear = '~a+c';

it.each([
  { what: 'some ms of work', clients: 24, length: 3000 },
  { what: 'little work, and many of them', clients: 800, length: 600 },
])(
  'a worker with more than it can do ($what for each) answers a part of it 503 at once, serves the rest, and all when it is over',
  async ({ clients: count, length }) => {
    const value = 'a'.repeat(length);
    const lb = await runFairlead({
      admin: { bind: '127.0.0.1:0' },
      listeners: {
        web: {
          protocol: 'http',
          bind: '127.0.0.1:0',
          routes: [
            { match: { header: { 'x-a': dear } }, respond: { status: 404 } },
            { match: {}, respond: { status: 200, body: 'served' } },
          ],
        },
      },
    });
    const clients = await Promise.all(Array.from({ length: count }, () => connectTo(lb.address())));
    const statuses = new Map<number, number>();
    let refusal: string[] | undefined;
    const askOn = async (client: RawClient): Promise<void> => {
      while (refusal === undefined || !statuses.has(200) || statuses.get(503)! < 100) {
        const answer = await client.send(get('/', `x-a: ${value}`)).answer();
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status === 503) {
          refusal ??= ['fairlead-error', 'retry-after', 'connection'].map((name) => fieldOf(answer, name) ?? '');
        }
      }
    };
    const asking = Promise.all(clients.map(askOn));
    await eventually(() => lb.source.status().workers[0]!.overloaded, 'an overload');
    await asking;
    expect([...statuses.keys()].sort()).toEqual([200, 503]);
    expect(refusal).toEqual(['saturated', '1', '']);
    expect(await metric(lb, 'refusals_total', { reason: 'overload' })).toBe(statuses.get(503));
    expect(await metric(lb, 'requests_total', { code: '503' })).toBe(statuses.get(503));
    expect((await clients[0]!.send(get()).answer()).status).toBe(200);
    await eventually(() => !lb.source.status().workers[0]!.overloaded, 'the end of the overload');
  },
);
