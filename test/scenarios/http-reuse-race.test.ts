import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, type RecordingBackend, startBackend } from '../support/recording-backend.ts';
import { get, post, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

/** A backend that serves one request on each connection and ends it, unannounced, when a second one comes. */
function startOneShot(how: 'fin' | 'reset' = 'reset'): Promise<RecordingBackend> {
  return startBackend(({ body }, { requests, socket }) => {
    if (requests.length === 1) return answerText(`ok ${body}`);
    if (how === 'fin') socket.end();
    else socket.resetAndDestroy();
    return undefined;
  });
}

function run(backend: RecordingBackend, attempts = 2): Promise<RunningFairlead> {
  const routes = [{ pool: 'web', retry: { attempts, on: [] } }];
  return runFairlead({ ...webConfig([backend.address], { routes }), admin: { bind: '127.0.0.1:0' } });
}

/** Leaves `count` idle connections to the backend behind. */
async function warm(lb: RunningFairlead, count: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: count }, () => connectTo(lb.address())));
  for (const client of clients) client.send(get());
  for (const client of clients) await client.answer();
  for (const client of clients) client.close();
}

describe('a kept connection that the backend closes just when the next request goes out', () => {
  it.each(['fin', 'reset'] as const)('fails no request that may be sent again (%s)', async (how) => {
    const backend = await startOneShot(how);
    const lb = await run(backend, 1);
    const client = await connectTo(lb.address());
    const put = requestText('PUT / HTTP/1.1', ['Content-Length: 4'], 'body');
    for (const request of [get(), get(), put, requestText('DELETE / HTTP/1.1'), get()]) {
      expect((await client.send(request).answer()).status).toBe(200);
    }
    expect(backend.connections).toHaveLength(5);
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
    expect(await metric(lb, 'retries_total')).toBe(0);
  });

  it('is followed by a fresh one, however many more are kept', async () => {
    const backend = await startOneShot();
    const lb = await run(backend, 1);
    await warm(lb, 5);
    const client = await connectTo(lb.address());
    const before = backend.requests.length;
    expect((await client.send(get()).answer()).status).toBe(200);
    expect(backend.requests.length - before).toBe(2);
  });

  it('never sees the first request of a client when that may not be sent again', async () => {
    const backend = await startOneShot();
    const lb = await run(backend);
    for (let i = 0; i < 4; i++) {
      await warm(lb, 2);
      const client = await connectTo(lb.address());
      expect((await client.send(post('/', 'once')).answer()).body).toBe('ok once');
      client.close();
    }
    expect(backend.requests.filter(({ body }) => body === 'once')).toHaveLength(4);
  });

  it('may cost a later request that may not be sent again: it is answered 502 and never sent twice', async () => {
    const backend = await startOneShot();
    const lb = await run(backend);
    const client = await connectTo(lb.address());
    expect((await client.send(get()).answer()).status).toBe(200);
    const answer = await client.send(post('/', 'once')).answer();
    expect([answer.status, backend.requests.filter(({ body }) => body === 'once').length]).toEqual([502, 1]);
    await eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of the lease');
    expect((await client.send(post('/', 'again')).answer()).body).toBe('ok again');
  });

  it('is not held against the backend, which is not ejected', async () => {
    const backend = await startOneShot();
    const second = await startOneShot();
    const eject = { failures: 1, for: '60s', max: '50%' };
    const lb = await runFairlead({
      ...webConfig([backend.address, second.address], {}, { eject }),
      admin: { bind: '127.0.0.1:0' },
    });
    const client = await connectTo(lb.address());
    for (let i = 0; i < 12; i++) expect((await client.send(get()).answer()).status).toBe(200);
    expect(await metric(lb, 'backend_up')).toBe(2);
    expect([backend, second].every(({ requests }) => requests.length >= 5)).toBe(true);
  });

  it('costs nothing under a stream of requests with pauses as long as the backend waits', async () => {
    const idleMs = 4;
    const backend = await startBackend((_, { socket }) => {
      setTimeout(() => socket.destroy(), idleMs);
      return answerText('ok');
    });
    const lb = await run(backend, 1);
    const client = await connectTo(lb.address());
    for (let i = 0; i < 150; i++) {
      expect((await client.send(get()).answer()).status).toBe(200);
      await pause(i % 8);
    }
    for (let i = 0; i < 30; i++) {
      const newcomer = await connectTo(lb.address());
      expect((await newcomer.send(post('/', 'x')).answer()).status).toBe(200);
      newcomer.close();
      await pause(i % 8);
    }
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });
});

describe('a fresh connection that breaks', () => {
  it('is held against the backend even when the request before it found a stale one', async () => {
    let breaking = false;
    const backend = await startBackend((_, { socket }) => {
      if (!breaking) return answerText('ok');
      socket.resetAndDestroy();
      return undefined;
    });
    const lb = await run(backend);
    const client = await connectTo(lb.address());
    await client.send(get()).answer();
    breaking = true;
    expect((await client.send(get()).answer()).status).toBe(502);
    expect(backend.requests).toHaveLength(3);
    await eventually(async () => (await metric(lb, 'backend_failures_total')) === 1, 'the count of the failure');
  });
});
