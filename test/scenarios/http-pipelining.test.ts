import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, type RecordedConnection, startBackend } from '../support/recording-backend.ts';
import { chunked, get, post, requestText } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

/** Answers with the path and the body it got, each answer later than the last one would need. */
function startEcho(delayMs: (path: string) => number = () => 0) {
  return startBackend((request, { socket }) => {
    const path = request.startLine.split(' ')[1]!;
    const text = answerText(`${path} ${request.body}`);
    const wait = delayMs(path);
    if (wait === 0) return text;
    setTimeout(() => socket.write(text), wait);
    return undefined;
  });
}

describe('pipelined requests', () => {
  it('are answered in order, in one packet or cut anywhere', async () => {
    const backend = await startEcho();
    const lb = await runFairlead(webConfig([backend.address]));
    const stream = [
      get('/1'),
      post('/2', 'two'),
      requestText('PUT /3 HTTP/1.1', ['Transfer-Encoding: chunked'], chunked(['thr', 'ee'])),
      `\r\n${get('/4')}`,
      post('/5', ''),
    ].join('');
    const expected = ['/1 ', '/2 two', '/3 three', '/4 ', '/5 '];
    const cuts = fc.array(fc.nat(stream.length), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const client = await connectTo(lb.address());
        const ends = [...at.sort((a, b) => a - b), stream.length];
        for (const [i, end] of ends.entries()) {
          client.send(stream.slice(ends[i - 1] ?? 0, end));
          await new Promise(setImmediate);
        }
        const answers = await client.answers(5);
        client.close();
        expect(answers.map(({ body }) => body)).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('reach the backends one at a time, and are answered in order however long each takes', async () => {
    const delays: Record<string, number> = { '/0': 60, '/1': 1, '/2': 30, '/3': 0 };
    const backend = await startEcho((path) => delays[path]!);
    const other = await startEcho((path) => delays[path]!);
    const lb = await runFairlead(webConfig([backend.address, other.address]));
    const client = await connectTo(lb.address());
    client.send(
      Object.keys(delays)
        .map((path) => get(path))
        .join(''),
    );
    await eventually(() => backend.requests.length + other.requests.length > 0, 'the first request');
    expect(backend.requests.length + other.requests.length).toBe(1);
    const answers = await client.answers(4);
    expect(answers.map(({ body }) => body.trim())).toEqual(['/0', '/1', '/2', '/3']);
    expect([backend.requests.length, other.requests.length]).toEqual([2, 2]);
  });

  it('may be more than one read takes', async () => {
    const backend = await startEcho();
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    const paths = Array.from({ length: 4000 }, (_, i) => `/${i}`);
    client.send(paths.map((path) => get(path)).join(''));
    await client.until(() => client.text.endsWith('/3999 '), 'the last answer');
    const answers = await client.answers(paths.length);
    expect(answers.every(({ body }, i) => body === `/${i} `)).toBe(true);
  });

  it('are all answered when the client has sent its FIN behind them', { retry: 8 }, async () => {
    const backend = await startEcho(() => 4);
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    const count = 25;
    client.send(Array.from({ length: count }, (_, i) => (i % 2 === 0 ? get(`/${i}`) : post(`/${i}`, 'b'))).join(''));
    const { ending } = await client.end().ended();
    const answers = await client.answers(count);
    expect(answers.map(({ body }) => body.split(' ')[0])).toEqual(Array.from({ length: count }, (_, i) => `/${i}`));
    expect([ending, fieldOf(answers.at(-1)!, 'connection')]).toEqual(['fin', 'close']);
  });

  it('end with the half of a request that a FIN has cut off', async () => {
    const backend = await startEcho();
    const lb = await runFairlead(webConfig([backend.address], { timeouts: { header: '20s', body: '20s' } }));
    const since = Date.now();
    for (const half of ['GET /half HTTP/1.1\r\nHo', post('/half', 'body').slice(0, -1)]) {
      const client = await connectTo(lb.address());
      const { text, ending } = await client
        .send(get('/1') + half)
        .end()
        .ended();
      expect([text.includes('/1 '), text.includes('/half'), text.includes(' 408 '), ending]).toEqual([
        true,
        false,
        false,
        'fin',
      ]);
    }
    expect(Date.now() - since).toBeLessThan(15_000);
  });

  it('behind one that is refused are not answered', async () => {
    const backend = await startEcho();
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(get('/1') + get('/2', 'Content-Length: 1, 2') + get('/3'));
    const { ending } = await client.ended();
    const answers = await client.answers(2);
    expect([answers.map(({ status }) => status), client.text.includes('/3'), ending]).toEqual([
      [200, 400],
      false,
      'fin',
    ]);
    expect(backend.requests).toHaveLength(1);
  });

  it('are mixed with answers of our own in order', async () => {
    const backend = await startEcho(() => 5);
    const lb = await runFairlead(
      webConfig([backend.address], {
        routes: [
          { match: { path: '/own' }, respond: { body: 'own' } },
          { match: { path: '/app/*' }, pool: 'web' },
        ],
      }),
    );
    const client = await connectTo(lb.address());
    client.send(['/app/1', '/own', '/none', '/own', '/app/2'].map((path) => get(path)).join(''));
    const answers = await client.answers(5);
    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual([
      '200 /app/1 ',
      '200 own',
      '404 no route of listener web matches\n',
      '200 own',
      '200 /app/2 ',
    ]);
  });
});

describe('a client that sends requests and does not read the answers', () => {
  it.each(['backend', 'own'])('is not read any further (%s)', async (kind) => {
    const body = 'z'.repeat(20_000);
    const backend = await startBackend(answerText(body));
    const routes = [{ match: { path: '/own' }, respond: { body } }, { pool: 'web' }];
    const lb = await runFairlead({ ...webConfig([backend.address], { routes }), admin: { bind: '127.0.0.1:0' } });
    const client = await connectTo(lb.address());
    client.socket.pause();
    const written = () => metric(lb, 'bytes_total', { direction: 'out' });
    client.send(get(`/${kind}`).repeat(4000));
    await eventually(async () => {
      const before = await written();
      await pause(50);
      return before > 0 && before === (await written());
    }, 'a halt');
    // The rest is what the kernel's buffers of both ends hold.
    expect(await written()).toBeLessThan(4000 * 20_000 * 0.4);
    client.socket.resume();
    await client.until(() => client.text.length >= 4000 * 20_000, 'every answer');
  });

  it('is read again when it has caught up', async () => {
    const held: RecordedConnection[] = [];
    const backend = await startBackend((request, connection) => {
      if (request.startLine.includes('/last')) return answerText('last');
      held.push(connection);
      return answerText('y'.repeat(500_000));
    });
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.socket.pause();
    client.send(get('/big').repeat(40) + get('/last', 'Connection: close'));
    await pause(200);
    client.socket.resume();
    const { ending } = await client.ended();
    const answers = await client.answers(41);
    expect([answers.at(-1)!.body, held.length, ending]).toEqual(['last', 40, 'fin']);
  });
});
