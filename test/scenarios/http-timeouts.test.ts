import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { chunked, get, post, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric, scrape } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterAll(closeOpened);

/** What a time limit may be missed by on a machine that is busy with other tests, in ms; the other limits are longer. */
const LATE_MS = 10_000;

type Timeouts = { header?: string; idle?: string; body?: string };

function run(address: string, timeouts: Timeouts, route = {}): Promise<RunningFairlead> {
  const listener = {
    timeouts: { header: '20s', idle: '20s', body: '20s', ...timeouts },
    routes: [{ pool: 'web', ...route }],
  };
  return runFairlead({ ...webConfig([address], listener), admin: { bind: '127.0.0.1:0' } });
}

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}

describe.concurrent('the header timeout', () => {
  it.each(['G', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n', '\r\nG', 'PRI * HTTP/2.0\r\n\r\nSM'])(
    'answers 408 to %j',
    async (bytes) => {
      const backend = await startBackend();
      const lb = await run(backend.address, { header: '200ms' });
      const client = await connectTo(lb.address());
      const waitedMs = await elapsedMs(() => client.send(bytes).ended());
      const answer = await client.answer();
      expect([answer.status, fieldOf(answer, 'fairlead-error'), fieldOf(answer, 'connection'), client.ending]).toEqual([
        408,
        'request-timeout',
        'close',
        'fin',
      ]);
      expect(waitedMs).toBeGreaterThan(190);
      expect(waitedMs).toBeLessThan(200 + LATE_MS);
      expect(await metric(lb, 'refusals_total', { reason: 'request-timeout' })).toBe(1);
      expect(await metric(lb, 'requests_total', { code: '408', route: '' })).toBe(1);
      expect(backend.connections).toHaveLength(0);
    },
  );

  it('runs from the first byte of a head, however many more trickle in', async () => {
    const lb = await run((await startBackend()).address, { header: '200ms' });
    const client = await connectTo(lb.address());
    const drip = setInterval(() => client.send('X-A: a\r\n'), 20);
    client.send('GET / HTTP/1.1\r\n');
    const waitedMs = await elapsedMs(() => client.until(() => client.text.includes(' 408 '), '408'));
    clearInterval(drip);
    expect(waitedMs).toBeLessThan(200 + LATE_MS);
  });

  it.each([['\r\n'], ['\r', '\n\r'], ['\r\n', '\r\n\r\n\r\n']])(
    'does not run for empty lines behind a request: %j',
    async (...lines) => {
      const backend = await startBackend();
      const lb = await run(backend.address, { header: '200ms', idle: '1s' });
      const client = await connectTo(lb.address());
      expect((await client.send(post('/', 'body') + lines[0]).answer()).status).toBe(200);
      for (const line of lines.slice(1)) {
        await pause(50);
        client.send(line);
      }
      expect(await client.ended()).toEqual({ text: '', ending: 'fin' });
      expect(await metric(lb, 'refusals_total')).toBe(0);
      expect(await metric(lb, 'requests_total')).toBe(1);
    },
  );

  it('runs from the first byte behind an empty line, which may come alone', async () => {
    const lb = await run((await startBackend()).address, { header: '200ms' });
    const client = await connectTo(lb.address());
    client.send(`${get()}\r\n`);
    expect((await client.answer()).status).toBe(200);
    await pause(300);
    const waitedMs = await elapsedMs(() => client.send('G').answer());
    expect(waitedMs).toBeGreaterThan(190);
    expect(await metric(lb, 'requests_total', { code: '408', route: '' })).toBe(1);
  });

  it('runs anew for every request, also one of which the start came with the last', async () => {
    const backend = await startBackend();
    const lb = await run(backend.address, { header: '2s' });
    const client = await connectTo(lb.address());
    for (let i = 0; i < 4; i++) {
      client.send(get().slice(0, 5));
      await pause(600);
      expect((await client.send(get().slice(5)).answer()).status).toBe(200);
    }
    client.send(get() + get().slice(0, 5));
    expect((await client.answer()).status).toBe(200);
    expect((await client.answer()).status).toBe(408);
  });
});

describe.concurrent('the idle timeout', () => {
  it('closes without a word a connection on which nothing came, and one on which nothing more comes', async () => {
    const backend = await startBackend();
    const lb = await run(backend.address, { idle: '1s' });
    const fresh = await connectTo(lb.address());
    const used = await connectTo(lb.address());
    await used.send(get()).answer();
    for (const client of [fresh, used]) {
      expect(await client.ended()).toEqual({ text: '', ending: 'fin' });
      client.end();
    }
    await eventually(async () => (await metric(lb, 'connections_active')) === 0, 'the end of both');
    expect(await metric(lb, 'requests_total')).toBe(1);
  });

  it('does not run while a backend takes its time', async () => {
    const backend = await startBackend((_, { socket }) => {
      setTimeout(() => socket.write(answerText('late')), 1500);
      return undefined;
    });
    const lb = await run(backend.address, { idle: '1s' });
    const client = await connectTo(lb.address());
    expect((await client.send(get()).answer()).body).toBe('late');
  });

  it('cuts a client that does not take its answer, which is not held against the backend', async () => {
    const body = Buffer.alloc(64_000_000, 's');
    const backend = await startPeer((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        socket.write(body);
      });
    });
    const lb = await run(backend.address, { idle: '1s' });
    const client = await connectTo(lb.address());
    client.socket.pause();
    client.send(get());
    await eventually(
      async () => (await metric(lb, 'requests_total', { code: '499' })) === 1,
      'the end of the exchange',
    );
    await eventually(() => backend.open === 0, 'the end of the backend connection');
    expect(await metric(lb, 'connections_active')).toBe(0);
    const failures = (await scrape(lb)).filter(({ name }) => name === 'fairlead_backend_failures_total');
    expect(failures).toEqual([]);
    client.socket.resume();
    expect((await client.ended()).ending).toBe('reset');
  });

  it('breaks off an answer of which no more comes', async () => {
    const backend = await startPeer(
      (socket) => void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome')),
    );
    const lb = await run(backend.address, { idle: '1s' });
    const client = await connectTo(lb.address());
    expect(await client.send(get()).ended()).toMatchObject({ ending: 'reset' });
    expect(client.text.endsWith('some')).toBe(true);
    await eventually(
      async () => (await metric(lb, 'backend_failures_total', { reason: 'backend-timeout' })) === 1,
      'it',
    );
  });
});

/**
 * Clients on a Unix socket, whose kernel buffer is small and of fixed size, that ask for answers a little larger and
 * larger and do not read: of some the last bytes wait in Fairlead when the backend has already said everything.
 */
async function startPausedClients(idle: string, field: string) {
  const sizes = Array.from({ length: 14 }, (_, i) => 100_000 + 40_000 * i);
  const backend = await startBackend(({ startLine }) => answerText('s'.repeat(Number(/\d+/.exec(startLine)![0]))));
  const path = join(tmpdir(), `fairlead-slow-${process.pid}-${field.length}-${idle}.sock`);
  const config = webConfig([backend.address], { bind: `unix:${path}`, timeouts: { idle } });
  const lb = await runFairlead({ ...config, admin: { bind: '127.0.0.1:0' } });
  const clients = await Promise.all(
    sizes.map(async (size) => {
      const client = await connectTo(`unix:${path}`);
      client.socket.pause();
      client.send(get(`/${size}`, field));
      return { size, client };
    }),
  );
  return { backend, lb, clients };
}

describe.concurrent.each(['Connection: close', 'Connection: keep-alive'])('a client that asked for %s', (field) => {
  it('and reads slowly gets all of its answer', async () => {
    const { clients } = await startPausedClients('20s', field);
    // Longer than a closing connection lingers once all is sent.
    await pause(2600);
    for (const { size, client } of clients) {
      client.socket.resume();
      expect((await client.answer()).body.length).toBe(size);
    }
  });

  it('and reads slowly gets all of its answer although a drain has begun', async () => {
    const { backend, lb, clients } = await startPausedClients('20s', `${field} `);
    await eventually(() => backend.requests.length === clients.length, 'every request');
    const drained = lb.drain();
    // Longer than an idle connection lives once a drain has begun.
    await pause(1300);
    for (const { size, client } of clients) {
      client.socket.resume();
      expect((await client.answer()).body.length).toBe(size);
      client.end();
    }
    expect(await drained).toBe(true);
  });

  it('and never reads is cut', async () => {
    const { lb, clients } = await startPausedClients('2s', field);
    await eventually(async () => (await metric(lb, 'requests_total')) === clients.length, 'the end of all exchanges');
    const large = clients.filter(({ size }) => size > 300_000);
    await eventually(async () => (await metric(lb, 'connections_active')) === 0, 'the end of all connections');
    for (const { size, client } of large) {
      client.socket.resume();
      const { text } = await client.ended();
      expect(text.length).toBeLessThan(size);
    }
  });
});

describe.concurrent('the body timeout', () => {
  it.each([
    ['of known length', post('/', 'body').slice(0, -1)],
    ['in chunks', requestText('POST / HTTP/1.1', ['Transfer-Encoding: chunked'], chunked(['body']).slice(0, -2))],
  ])('answers 408 to a body %s that does not come to its end', async (_name, bytes) => {
    const backend = await startBackend();
    const lb = await run(backend.address, { body: '200ms' });
    const client = await connectTo(lb.address());
    const waitedMs = await elapsedMs(() => client.send(bytes).ended());
    const answer = await client.answer();
    expect([answer.status, answer.body, client.ending]).toEqual([
      408,
      'the request body did not arrive in time\n',
      'fin',
    ]);
    expect(waitedMs).toBeGreaterThan(190);
    expect(waitedMs).toBeLessThan(200 + LATE_MS);
    await eventually(() => backend.connections[0]!.ending !== undefined, 'the end of the backend connection');
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
    expect(await metric(lb, 'backend_active')).toBe(0);
  });

  it('is between two reads: a body that keeps coming may take long', async () => {
    const backend = await startBackend((request) => answerText(request.body));
    const lb = await run(backend.address, { body: '2s' }, { timeout: '2s' });
    const client = await connectTo(lb.address());
    client.send(requestText('POST / HTTP/1.1', ['Content-Length: 8']));
    for (const letter of 'uploaded') {
      await pause(300);
      client.send(letter);
    }
    expect((await client.answer()).body).toBe('uploaded');
  });
});

describe.concurrent('a client that waits to be told to send its body', () => {
  const expecting = (method: string) =>
    requestText(`${method} / HTTP/1.1`, ['Expect: 100-continue', 'Content-Length: 4']);

  it('has the time of the backend, which is to blame', async () => {
    const backend = await startBackend();
    const lb = await run(backend.address, { body: '100ms' }, { timeout: '400ms' });
    const client = await connectTo(lb.address());
    const waitedMs = await elapsedMs(() => client.send(expecting('POST')).ended());
    const answer = await client.answer();
    expect([answer.status, answer.body]).toEqual([504, 'the backend did not answer in time\n']);
    expect(waitedMs).toBeGreaterThan(390);
    expect(await metric(lb, 'backend_failures_total', { reason: 'backend-timeout' })).toBe(1);
    expect(await metric(lb, 'refusals_total', { reason: 'request-timeout' })).toBe(0);
  });

  it('is heard by another backend when the first takes too long', async () => {
    const silent = await startBackend();
    const backend = await startPeer((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n'));
    });
    const retry = { on: ['timeout' as const], perTry: '400ms' };
    const listener = { timeouts: { body: '100ms' }, routes: [{ pool: 'web', retry }] };
    const lb = await runFairlead(webConfig([silent.address, backend.address], listener));
    const client = await connectTo(lb.address());
    expect((await client.send(expecting('PUT')).answer()).status).toBe(417);
    expect(silent.connections).toHaveLength(1);
  });

  it.each([
    ['is told so', true],
    ['goes on without', false],
  ])('has its own time once it %s', async (_name, told) => {
    const backend = await startBackend((request) => answerText(request.body));
    const lb = await run(backend.address, { body: '4s' }, { timeout: '3s' });
    const client = await connectTo(lb.address());
    client.send(expecting('POST'));
    await eventually(() => backend.text.endsWith('\r\n\r\n'), 'the head at the backend');
    const waitedMs = await elapsedMs(async () => {
      if (told) {
        backend.connections[0]!.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        expect((await client.answer()).status).toBe(100);
      } else client.send('b');
      await client.until(() => client.text.includes(' 408 '), '408');
    });
    expect(waitedMs).toBeGreaterThan(3900);
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });
});

describe.concurrent('the route timeout', () => {
  it('runs from the end of the request', async () => {
    const backend = await startBackend(() => undefined);
    const lb = await run(backend.address, {}, { timeout: '200ms' });
    const client = await connectTo(lb.address());
    client.send(post('/', 'body').slice(0, -1));
    await pause(300);
    expect(client.text).toBe('');
    const waitedMs = await elapsedMs(() => client.send('y').answer());
    expect(waitedMs).toBeGreaterThan(190);
    expect(waitedMs).toBeLessThan(200 + LATE_MS);
    const failures = () => metric(lb, 'backend_failures_total', { reason: 'backend-timeout' });
    await eventually(async () => (await failures()) === 1, 'the count of the failure');
  });

  it('ends an upload that the backend does not take', async () => {
    const backend = await startPeer((socket) => void socket.pause());
    const lb = await run(backend.address, { body: '600ms' }, { timeout: '1200ms' });
    const client = await connectTo(lb.address());
    client.send(requestText('POST / HTTP/1.1', ['Content-Length: 64000000'], 'u'.repeat(64_000_000)));
    await client.until(() => client.text.includes('\r\n\r\n'), 'an answer');
    expect(client.text).toContain('HTTP/1.1 504 ');
    await eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of the lease');
  });

  it('is not used up by the requests before', async () => {
    const backend = await startBackend((_, { socket }) => {
      setTimeout(() => socket.write(answerText('ok')), 500);
      return undefined;
    });
    const lb = await run(backend.address, {}, { timeout: '3500ms' });
    const client = await connectTo(lb.address());
    client.send(get().repeat(8));
    expect((await client.answers(8)).map(({ status }) => status)).toEqual(Array(8).fill(200));
  });
});
