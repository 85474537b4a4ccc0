import { afterAll, describe, expect, it } from 'vitest';
import { startDeafListener } from '../support/deaf-listener.ts';
import { fieldOf } from '../support/http-text.ts';
import { deadAddress } from '../support/kept-ports.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import {
  answerText,
  type RecordedConnection,
  type RecordingBackend,
  startBackend,
} from '../support/recording-backend.ts';
import { get, post, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterAll(closeOpened);

type Retry = { attempts?: number; on?: (string | number)[]; perTry?: string };

const admin = { bind: '127.0.0.1:0' };

function run(backends: readonly string[], retry: Retry = {}): Promise<RunningFairlead> {
  const routes = [{ pool: 'web', retry }];
  const timing = { connect: { timeout: '1s' }, eject: { failures: 0 } };
  return runFairlead({ ...webConfig([...backends], { routes }, timing), admin });
}

/** A backend that takes a request and then ends the connection without a byte. */
function startBreaker(how: 'fin' | 'reset', saying = '') {
  return startBackend((_request, { socket }: RecordedConnection) => {
    if (saying !== '') socket.write(saying);
    setImmediate(() => (how === 'fin' ? socket.end() : socket.resetAndDestroy()));
    return undefined;
  });
}

const big = 'b'.repeat(300_000);

describe.concurrent('a backend that cannot be connected to costs no request', () => {
  it.each([
    ['GET', get()],
    ['POST, of which nothing was sent yet', post('/', 'body')],
    ['POST with a body that is still on its way', post('/', big)],
    ['POST in chunks', requestText('POST / HTTP/1.1', ['Transfer-Encoding: chunked'], '4\r\nbody\r\n0\r\n\r\n')],
  ])('%s', async (_name, request) => {
    const backend = await startBackend((got) => answerText(String(got.body.length)));
    const lb = await run([await deadAddress(), backend.address]);
    const client = await connectTo(lb.address());
    for (let i = 0; i < 4; i++) {
      client.send(request.slice(0, 60));
      await new Promise(setImmediate);
      expect((await client.send(request.slice(60)).answer()).status).toBe(200);
    }
    expect(backend.requests).toHaveLength(4);
    expect(await metric(lb, 'retries_total', { reason: 'connect-refused' })).toBeGreaterThan(0);
    expect(await metric(lb, 'requests_total', { code: '200', backend: backend.address })).toBe(4);
  });

  it('but the time it takes not to answer', async () => {
    const deaf = await startDeafListener();
    const backend = await startBackend();
    const lb = await run([deaf.address, backend.address]);
    for (const request of [post('/', 'x'), get(), post('/', big)]) {
      const client = await connectTo(lb.address());
      expect((await client.send(request).answer()).status).toBe(200);
    }
    expect(backend.requests).toHaveLength(3);
    expect(await metric(lb, 'retries_total', { reason: 'connect-timeout' })).toBeGreaterThan(0);
  });

  it('of a client that half-closes behind its body while it waits', { retry: 8 }, async () => {
    const refusing = await deadAddress();
    const backend = await startBackend((got) => answerText(String(got.body.length)));
    const lb = await run([refusing, backend.address]);
    const client = await connectTo(lb.address());
    client.send(post('/', big)).end();
    expect((await client.answer()).body).toBe(String(big.length));
  });
});

describe.concurrent('a connection that breaks before a byte of the answer', () => {
  it.each([
    ['GET', 'fin', 200, get()],
    ['GET', 'reset', 200, get()],
    ['PUT with its body at hand', 'reset', 200, requestText('PUT / HTTP/1.1', ['Content-Length: 4'], 'body')],
    ['DELETE', 'reset', 200, requestText('DELETE / HTTP/1.1')],
    ['OPTIONS', 'fin', 200, requestText('OPTIONS * HTTP/1.1')],
    ['POST', 'fin', 502, post('/', 'body')],
    ['POST', 'reset', 502, post('/', 'body')],
    ['POST without a body', 'reset', 502, post('/', '')],
    ['PATCH', 'reset', 502, requestText('PATCH / HTTP/1.1', ['Content-Length: 0'])],
    ['an unknown method', 'reset', 502, requestText('FROB / HTTP/1.1')],
    [
      'PUT whose body was kept',
      'reset',
      200,
      requestText('PUT / HTTP/1.1', ['Content-Length: 50000'], big.slice(0, 50_000)),
    ],
    ['PUT whose body is gone', 'reset', 502, requestText('PUT / HTTP/1.1', [`Content-Length: ${big.length}`], big)],
  ] as const)('under %s by %s is answered %i', async (_name, how, status, request) => {
    const breaker = await startBreaker(how);
    const backend = await startBackend();
    const lb = await run([breaker.address, backend.address]);
    const client = await connectTo(lb.address());
    expect((await client.send(request).answer()).status).toBe(status);
    expect([breaker.requests.length, backend.requests.length]).toEqual([1, status === 200 ? 1 : 0]);
    await eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of the leases');
    expect(await metric(lb, 'backend_failures_total', { reason: 'backend-reset' })).toBe(1);
  });

  it.each(['HTTP/1.1 100 Continue\r\n\r\n', 'H'])('is not tried again after a byte: %j', async (saying) => {
    const breaker = await startBreaker('fin', saying);
    const backend = await startBackend();
    const lb = await run([breaker.address, backend.address]);
    const client = await connectTo(lb.address());
    client.send(get());
    await client.until(() => client.text.includes(' 502 '), '502');
    expect(backend.requests).toHaveLength(0);
  });
});

/** Starts `count` requests, each on a connection of its own, and waits until the backends have them all. */
async function crowd(lb: RunningFairlead, count: number, backends: readonly RecordingBackend[]): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => connectTo(lb.address())));
  for (const client of clients) client.send(get());
  await eventually(() => backends.reduce((sum, { requests }) => sum + requests.length, 0) === count, 'all requests');
  return clients;
}

describe.concurrent('a backend that dies under many requests, all on connections of their own,', () => {
  it('costs none of them, though few are tried again at a time', async () => {
    const dying = await startBackend(() => undefined);
    let under = 0;
    let most = 0;
    const living = await startBackend((_request, { socket }) => {
      most = Math.max(most, ++under);
      setTimeout(() => {
        under--;
        socket.write(answerText('ok'));
      }, 10);
      return undefined;
    });
    const lb = await run([dying.address, living.address]);
    const held = await crowd(lb, 120, [dying, living]);
    const before = under;
    most = before;
    await dying.close();
    const statuses = await Promise.all(held.map(async (client) => (await client.answer()).status));
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect([dying.requests.length, living.requests.length]).toEqual([60, 120]);
    expect(await metric(lb, 'retry_budget_exhausted_total')).toBe(0);
    // A fifth of all that were under way.
    expect(most).toBeLessThanOrEqual(before + 24);
  });

  it('costs those that find no place in time, and they are told why', async () => {
    const dying = await startBackend(() => undefined);
    const silent = await startBackend(() => undefined);
    const lb = await run([dying.address, silent.address]);
    const held = await crowd(lb, 20, [dying, silent]);
    await dying.close();
    const since = performance.now();
    await eventually(async () => (await metric(lb, 'retry_budget_exhausted_total')) >= 6, 'the end of waiting');
    expect(performance.now() - since).toBeGreaterThan(900);
    const told = held.filter(({ text }) => text !== '');
    for (const client of told) {
      const answer = await client.answer();
      expect([answer.status, answer.body]).toEqual([502, 'the backend closed the connection before it answered\n']);
    }
    // Of twenty leases a fifth may be retries; as many as go out for a second time, so few are left over of the ten.
    expect([told.length, silent.requests.length]).toEqual([10 - 4, 10 + 4]);
  });
});

describe.concurrent('how often and for what a request is tried again', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [10, 4],
  ])('%i attempts on four dead backends are %i', async (attempts, picks) => {
    const lb = await run(await Promise.all([1, 2, 3, 4].map(deadAddress)), { attempts });
    const client = await connectTo(lb.address());
    const answer = await client.send(get()).answer();
    expect([answer.status, answer.body]).toEqual([502, 'the backend refused the connection\n']);
    expect(await metric(lb, 'backend_picks_total')).toBe(picks);
    expect(await metric(lb, 'retries_total')).toBe(picks - 1);
  });

  it('a reset is tried again as often as the route says, on other backends each time', async () => {
    const breakers = await Promise.all([1, 2, 3, 4].map(() => startBreaker('reset')));
    const lb = await run(
      breakers.map(({ address }) => address),
      { attempts: 3 },
    );
    const client = await connectTo(lb.address());
    expect((await client.send(get()).answer()).status).toBe(502);
    expect(breakers.map(({ requests }) => requests.length).sort()).toEqual([0, 1, 1, 1]);
  });

  it('only what the route names is tried again', async () => {
    const backend = await startBackend();
    const breaker = await startBreaker('reset');
    const dead = await deadAddress();
    const status = async (first: string, retry: Retry): Promise<number> => {
      const lb = await run([first, backend.address], retry);
      const client = await connectTo(lb.address());
      return (await client.send(get()).answer()).status;
    };
    expect(await status(breaker.address, { on: ['connect'] })).toBe(502);
    expect(await status(breaker.address, { on: ['reset'] })).toBe(200);
    expect(await status(dead, { on: ['reset'] })).toBe(502);
    expect(await status(dead, { on: ['connect'] })).toBe(200);
    expect(await status(dead, { on: [] })).toBe(502);
  });

  it.each([502, 503, 504])('an answer of %i is an answer, with whatever it says', async (status) => {
    const backend = await startBackend(answerText('later', `${status} Busy`, ['Retry-After: 3']));
    const other = await startBackend();
    const lb = await run([backend.address, other.address]);
    const client = await connectTo(lb.address());
    const answer = await client.send(get()).answer();
    expect([answer.status, answer.body, fieldOf(answer, 'retry-after')]).toEqual([status, 'later', '3']);
    expect([fieldOf(answer, 'fairlead-error'), backend.requests.length, other.requests.length]).toEqual(['', 1, 0]);
    await eventually(
      async () => (await metric(lb, 'backend_failures_total', { reason: 'bad-status' })) === 1,
      'a count',
    );
  });

  it("an answer whose status the route names is another backend's to give, where that is safe", async () => {
    const busy = await startBackend(answerText('later', '503 Busy'));
    const backend = await startBackend();
    const lb = await run([busy.address, backend.address], { on: ['503'] });
    const client = await connectTo(lb.address());
    expect((await client.send(get()).answer()).status).toBe(200);
    await client.send(get()).answer();
    const answer = await client.send(post('/', 'x')).answer();
    expect([answer.status, answer.body]).toEqual([503, 'later']);
    expect(await metric(lb, 'retries_total', { reason: 'bad-status' })).toBe(1);
    const alone = await run([busy.address], { on: [503], attempts: 3 });
    const other = await connectTo(alone.address());
    expect((await other.send(get()).answer()).body).toBe('later');
  });

  it.each([
    ['full', 1, { maxConnections: 1 }, {}],
    ['full, and others could wait', 1, { maxConnections: 1 }, { queue: { max: 5, timeout: '9s' } }],
    ['a backup, and full', 1, { backup: true, maxConnections: 1 }, {}],
  ])('such an answer is passed on when the other backend is %s', async (_name, held, second, pool) => {
    const busy = await startBackend(answerText('later', '503 Busy'));
    const holding = await startBackend(() => undefined);
    const backends = [busy.address, { address: holding.address, ...second }];
    const routes = [{ pool: 'web', retry: { on: [503] } }];
    const lb = await runFairlead({ ...webConfig(backends, { routes }, { eject: { failures: 0 }, ...pool }), admin });
    const [holder, client] = [await connectTo(lb.address()), await connectTo(lb.address())];
    if (held > 0) holder.send(get());
    await eventually(() => holding.requests.length === held, 'the request that fills it');
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(get()).answer();
      expect([answer.status, answer.body]).toEqual([503, 'later']);
    }
    expect(holding.requests).toHaveLength(held);
  });

  it.each([
    ['refuses connections', deadAddress],
    ['takes none', async () => (await startDeafListener()).address],
    ['resets requests', async () => (await startBreaker('reset')).address],
    [
      'answers with a status that the route names',
      async () => (await startBackend(answerText('', '503 Busy'))).address,
    ],
  ])('a backup is asked when the only other backend %s', async (_name, startFirst) => {
    const backup = await startBackend();
    const backends = [await startFirst(), { address: backup.address, backup: true }];
    const routes = [{ pool: 'web', retry: { on: ['connect', 'reset', 503] } }];
    const timing = { connect: { timeout: '300ms' }, eject: { failures: 0 } };
    const lb = await runFairlead({ ...webConfig(backends, { routes }, timing), admin });
    const client = await connectTo(lb.address());
    for (let i = 0; i < 3; i++) expect((await client.send(get()).answer()).status).toBe(200);
    expect(backup.requests).toHaveLength(3);
  });

  it('a try that takes too long is given up for another backend', async () => {
    const silent = await startBackend(() => undefined);
    const backend = await startBackend();
    const lb = await run([silent.address, backend.address], { on: ['timeout'], perTry: '1s' });
    const client = await connectTo(lb.address());
    expect((await client.send(get()).answer()).status).toBe(200);
    expect([silent.requests.length, backend.requests.length]).toEqual([1, 1]);
    await client.send(get()).answer();
    const answer = await client.send(post('/', 'x')).answer();
    expect([answer.status, fieldOf(answer, 'fairlead-error')]).toEqual([504, 'backend-timeout']);
    expect(await metric(lb, 'retries_total', { reason: 'backend-timeout' })).toBe(1);
  });

  it('all tries together last no longer than the route allows', async () => {
    const deaf = await Promise.all([1, 2, 3].map(startDeafListener));
    const config = webConfig(
      deaf.map(({ address }) => address),
      { routes: [{ pool: 'web', timeout: '300ms', retry: { attempts: 9 } }] },
      { connect: { timeout: '200ms' } },
    );
    const lb = await runFairlead(config);
    const client = await connectTo(lb.address());
    const since = performance.now();
    const answer = await client.send(get()).answer();
    expect([answer.status, answer.body]).toEqual([504, 'the backend did not answer in time\n']);
    expect(performance.now() - since).toBeGreaterThan(250);
  });
});

describe.concurrent('what a client is told when no backend is to be had', () => {
  it('that none is available', async () => {
    const lb = await run(['127.0.0.1:1'], {});
    await lb.reloadWith({ ...webConfig([{ address: '127.0.0.1:1', weight: 0 }]), admin });
    const client = await connectTo(lb.address());
    const answer = await client.send(get()).answer();
    expect([answer.status, answer.body]).toEqual([503, 'no backend of pool web is available\n']);
    expect(['fairlead-error', 'retry-after'].map((name) => fieldOf(answer, name))).toEqual(['no-backend', '1']);
    expect(await metric(lb, 'refusals_total', { reason: 'no-backend' })).toBe(1);
    expect((await client.send(requestText('HEAD / HTTP/1.1')).answer({ bodiless: true })).status).toBe(503);
    expect(client.text).toBe('');
  });

  it('that all are busy', async () => {
    const backend = await startBackend((request) =>
      request.startLine.includes('/hold') ? undefined : answerText('ok'),
    );
    const lb = await runFairlead(webConfig([{ address: backend.address, maxConnections: 1 }]));
    const [holder, other] = [await connectTo(lb.address()), await connectTo(lb.address())];
    holder.send(get('/hold'));
    await eventually(() => backend.requests.length === 1, 'the first request');
    const answer = await other.send(get()).answer();
    expect([answer.status, answer.body]).toEqual([503, 'every backend of pool web is at its connection limit\n']);
    expect(['fairlead-error', 'retry-after'].map((name) => fieldOf(answer, name))).toEqual(['saturated', '1']);
    backend.connections[0]!.socket.write(answerText('done'));
    await holder.answer();
    expect((await other.send(get()).answer()).status).toBe(200);
  });
});
