import { afterEach, describe, expect, it } from 'vitest';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import { startBackend } from '../support/recording-backend.ts';
import { chunked, get, post, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

const admin = { bind: '127.0.0.1:0' };

async function expectTurnedAway(client: RawClient): Promise<void> {
  const { ending } = await client.ended();
  const answer = await client.answer();
  const fields = ['fairlead-error', 'retry-after', 'connection', 'content-type'].map((name) => fieldOf(answer, name));
  expect([answer.startLine, answer.body, ending]).toEqual([
    'HTTP/1.1 503 Service Unavailable',
    'too many connections\n',
    'fin',
  ]);
  expect(fields).toEqual(['saturated', '1', 'close', 'text/plain; charset=utf-8']);
}

/** Opens connections and uses each, so that it is surely counted. */
async function occupy(lb: RunningFairlead, count: number, listener = 'web'): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await connectTo(lb.address(listener));
    expect((await client.send(get()).answer()).status).toBe(200);
    clients.push(client);
  }
  return clients;
}

describe('the limit of connections', () => {
  it('of a listener turns the next ones away, over all workers, until one ends', async () => {
    const backend = await startBackend();
    const listener = { limits: { connections: 3 } };
    const lb = await runFairlead({ ...webConfig([backend.address], listener), workers: 2, admin });
    const [first, ...others] = await occupy(lb, 3);
    for (let i = 0; i < 2; i++) await expectTurnedAway(await connectTo(lb.address()));
    const silent = await connectTo(lb.address());
    await expectTurnedAway(silent.send(get()));
    expect(await metric(lb, 'refusals_total', { reason: 'saturated' })).toBe(3);
    expect(await metric(lb, 'requests_total', { code: '503', route: '' })).toBe(3);
    expect(await metric(lb, 'connections_active')).toBe(3);
    expect(await metric(lb, 'connections_total')).toBe(3);
    first!.close();
    await eventually(async () => (await metric(lb, 'connections_active')) === 2, 'the end of one');
    await occupy(lb, 1);
    for (const client of others) expect((await client.send(get()).answer()).status).toBe(200);
    expect(backend.requests).toHaveLength(6);
  });

  it('of the process counts all listeners together', async () => {
    const backend = await startBackend();
    const { listeners, pools } = webConfig([backend.address]);
    const lb = await runFairlead({
      listeners: { ...listeners, more: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' } },
      pools,
      limits: { connections: 2 },
    });
    const [first] = await occupy(lb, 1);
    await occupy(lb, 1, 'more');
    await expectTurnedAway(await connectTo(lb.address()));
    await expectTurnedAway(await connectTo(lb.address('more')));
    first!.reset();
    await eventually(async () => {
      const client = await connectTo(lb.address('more'));
      return (await client.send(get()).answer()).status === 200;
    }, 'a free place');
  });

  it('that turned a client away lets it finish what it was saying', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { limits: { connections: 1 } }));
    await occupy(lb, 1);
    for (let i = 0; i < 20; i++) {
      const client = await connectTo(lb.address());
      client.send(post('/', 'p'.repeat(20_000)));
      await expectTurnedAway(client);
    }
  });
});

describe('the limit of a head', () => {
  const limits = { headerBytes: '1KiB' };

  it('is the size of the whole head: 431 for one byte more', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { limits }));
    const empty = get('/', 'X-A: ').length;
    for (const [size, status] of [
      [1024, 200],
      [1025, 431],
    ] as const) {
      const client = await connectTo(lb.address());
      const answer = await client.send(get('/', `X-A: ${'a'.repeat(size - empty)}`)).answer();
      expect([answer.status, fieldOf(answer, 'fairlead-error')]).toEqual([
        status,
        status === 200 ? '' : 'head-too-large',
      ]);
    }
  });

  it('holds for a head that comes in pieces and has no line end', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { limits }));
    const client = await connectTo(lb.address());
    client.send('GET /');
    for (let i = 0; i < 30 && client.ending === undefined; i++) {
      client.send('a'.repeat(100));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const { ending } = await client.ended();
    expect([(await client.answer()).status, ending, backend.connections.length]).toEqual([431, 'fin', 0]);
  });

  it('may be far more than one read takes', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { limits: { headerBytes: '1MiB' } }));
    const client = await connectTo(lb.address());
    const long = 'l'.repeat(4000);
    const fields = Array.from({ length: 200 }, (_, i) => `X-${i}: ${long}`);
    expect((await client.send(get('/', ...fields)).answer()).status).toBe(200);
    expect(fieldOf(backend.requests[0]!, 'x-199')).toBe(long);
  });
});

describe('the limit of a body', () => {
  const limits = { bodyBytes: 1000 };
  const put = (field: string, body: string) => requestText('PUT / HTTP/1.1', [field], body);

  it.each([
    ['known to be too large', put('Content-Length: 1001', 'b'.repeat(10)), 413],
    ['of just that size', put('Content-Length: 1000', 'b'.repeat(1000)), 200],
    [
      'in chunks of just that size',
      put('Transfer-Encoding: chunked', chunked(['b'.repeat(600), 'b'.repeat(400)])),
      200,
    ],
    [
      'in chunks that are too large',
      put('Transfer-Encoding: chunked', chunked(['b'.repeat(600), 'b'.repeat(401)])),
      413,
    ],
  ])('%s', async (_name, request, status) => {
    const backend = await startBackend();
    const lb = await runFairlead({ ...webConfig([backend.address], { limits }), admin });
    const client = await connectTo(lb.address());
    const answer = await client.send(request).answer();
    expect(answer.status).toBe(status);
    if (status === 200) return expect(client.ending).toBeUndefined();
    expect([fieldOf(answer, 'fairlead-error'), answer.body, (await client.ended()).ending]).toEqual([
      'body-too-large',
      'the body is larger than 1000 bytes\n',
      'fin',
    ]);
    expect(backend.connections).toHaveLength(0);
    expect(await metric(lb, 'refusals_total', { reason: 'body-too-large' })).toBe(1);
  });

  it('ends an upload in chunks that grows past it, which the backend never takes for whole', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { limits }));
    const client = await connectTo(lb.address());
    client.send(put('Transfer-Encoding: chunked', '3e8\r\n'));
    await eventually(() => backend.text.includes('3e8'), 'the start of the body');
    client.send(`${'b'.repeat(1000)}\r\n1\r\nb\r\n0\r\n\r\n`);
    expect((await client.answer()).status).toBe(413);
    await eventually(() => backend.connections[0]!.ending !== undefined, 'the end of the backend connection');
    expect(backend.requests).toHaveLength(0);
  });

  it('tells a client that waits for 100 at once', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { limits }));
    const client = await connectTo(lb.address());
    client.send(requestText('PUT / HTTP/1.1', ['Expect: 100-continue', 'Content-Length: 5000']));
    expect([(await client.answer()).status, backend.connections.length]).toEqual([413, 0]);
  });
});
