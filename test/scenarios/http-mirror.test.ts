import { afterEach, describe, expect, it } from 'vitest';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { chunked, get, post, requestText } from '../support/requests.ts';
import { runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

async function start(shadow: string, mirror: object = {}) {
  const backend = await startBackend();
  const lb = await runFairlead({
    admin: { bind: '127.0.0.1:0' },
    listeners: {
      web: {
        protocol: 'http',
        bind: '127.0.0.1:0',
        routes: [{ name: 'app', pool: 'web', mirror: { pool: 'shadow', ...mirror } }],
      },
    },
    pools: {
      web: { backends: [backend.address], health: { type: 'off' } },
      shadow: { backends: [shadow], health: { type: 'off' } },
    },
  });
  const copies = (result: string): Promise<number> =>
    metric(lb, 'mirrors_total', { listener: 'web', route: 'app', result });
  return { backend, lb, copies };
}

function inChunks(pieces: readonly string[]): string {
  return requestText('POST /c HTTP/1.1', ['Transfer-Encoding: chunked']) + chunked(pieces);
}

describe('a mirror', () => {
  it('gets what the backend gets, and its answer goes nowhere', async () => {
    const shadow = await startBackend(answerText('of the shadow', '418 Teapot'));
    const { backend, lb, copies } = await start(shadow.address);
    const client = await connectTo(lb.address());
    const requests = [get('/a?b=c', 'X-Own: 1'), post('/p', 'body'), inChunks(['one', 'two'])];
    const answers = await client.send(requests.join('')).answers(3);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await eventually(async () => (await copies('answered')) === 3, 'three copies');
    const seen = (requests: typeof shadow.requests) =>
      requests.map(({ startLine, body }) => [startLine, body]).toSorted();
    expect(seen(shadow.requests)).toEqual(seen(backend.requests));
    expect(shadow.text).toContain('X-Own: 1');
    expect(shadow.text).toContain('X-Request-Id: ');
  });

  it('gets a body that comes in pieces once all of it is there', async () => {
    const shadow = await startBackend();
    const { backend, lb, copies } = await start(shadow.address);
    const client = await connectTo(lb.address());
    const request = post('/', 'x'.repeat(30_000));
    client.send(request.slice(0, 10_000));
    await eventually(() => backend.text.length > 5000, 'the first part');
    expect(shadow.connections).toHaveLength(0);
    client.send(request.slice(10_000));
    expect((await client.answer()).status).toBe(200);
    await eventually(async () => (await copies('answered')) === 1, 'the copy');
    expect(shadow.requests[0]!.body).toBe('x'.repeat(30_000));
  });

  it('gets no request that is too large, with a length or without', async () => {
    const shadow = await startBackend();
    const { lb, copies } = await start(shadow.address);
    const client = await connectTo(lb.address());
    const pieces = Array.from({ length: 20 }, () => 'y'.repeat(10_000));
    const answers = await client.send(post('/', 'x'.repeat(70_000)) + inChunks(pieces)).answers(2);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    await eventually(async () => (await copies('too-large')) === 2, 'both counted');
    expect(shadow.requests).toEqual([]);
  });

  it.each([
    ['refuses connections', undefined, 'failed'],
    ['resets', 'reset', 'failed'],
    ['never answers', 'silent', 'busy'],
  ] as const)('that %s costs clients nothing', async (_, behaviour, result) => {
    const shadow =
      behaviour === undefined
        ? undefined
        : await startBackend((_request, { socket }) => {
            if (behaviour === 'reset') socket.resetAndDestroy();
            return undefined;
          });
    const { backend, lb, copies } = await start(shadow?.address ?? '127.0.0.1:1');
    const client = await connectTo(lb.address());
    const answers = await client.send(get('/').repeat(100)).answers(100);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(backend.requests).toHaveLength(100);
    await eventually(async () => (await copies(result)) > 0, `copies that are ${result}`);
  });

  it('gets its share', async () => {
    const shadow = await startBackend();
    const { lb, copies } = await start(shadow.address, { percent: 25 });
    const client = await connectTo(lb.address());
    for (let i = 0; i < 10; i++) await client.send(get('/').repeat(40)).answers((i + 1) * 40);
    await eventually(async () => (await copies('answered')) > 50, 'copies');
    expect(shadow.requests.length).toBeLessThan(160);
  });
});
