import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { askH2, connectH2 } from '../support/h2-client.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, type RecordedConnection, startBackend } from '../support/recording-backend.ts';
import { get, post, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';

afterEach(closeOpened);

type Access = NonNullable<NonNullable<ConfigInput['log']>['access']>;

function run(backends: readonly string[], access: Access = true, more: Partial<ConfigInput> = {}) {
  const routes = [
    { name: 'moved', match: { path: '/old/*' }, redirect: { to: '/new/' } },
    { name: 'app', match: { path: '/app/*' }, pool: 'web', timeout: '1s' },
  ];
  const config = webConfig([...backends], { routes, trustProxies: ['127.0.0.1'] });
  return runFairlead({ ...config, log: { level: 'silent', access }, ...more });
}

async function linesOf(lb: RunningFairlead, count: number): Promise<string[]> {
  await eventually(() => lb.accessLines.length >= count, `${count} lines`);
  return [...lb.accessLines];
}

/** The records of the log, which have come in the order in which requests ended. */
async function recordsOf(lb: RunningFairlead, count: number): Promise<Record<string, unknown>[]> {
  return (await linesOf(lb, count)).map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the access log as JSON', () => {
  it('says over which version of HTTP the client came', async () => {
    const backend = await startBackend(answerText('fine'));
    const lb = await run([backend.address]);
    await askH2(await connectH2(lb.address()), { ':path': '/app/x' });
    await (await connectTo(lb.address())).send(get('/app/y')).answer();
    expect((await recordsOf(lb, 2)).map(({ protocol }) => protocol)).toEqual(['HTTP/2.0', 'HTTP/1.1']);
  });

  it('says all of a request that was served', async () => {
    const backend = await startBackend(answerText('fine', '201 Created'));
    const lb = await run([backend.address]);
    const client = await connectTo(lb.address());
    const request = post('/app/x?y=z', 'body', 'Host: A.test:8080', 'User-Agent: ua/1', 'Referer: http://r.test/');
    const before = Date.now();
    client.send(request);
    await client.answers(1);
    const [record] = await recordsOf(lb, 1);
    expect(record).toMatchObject({
      kind: 'request',
      listener: 'web',
      route: 'app',
      pool: 'web',
      backend: backend.address,
      client: '127.0.0.1',
      method: 'POST',
      target: '/app/x?y=z',
      host: 'A.test:8080',
      protocol: 'HTTP/1.1',
      status: 201,
      bytesIn: request.length,
      bytesOut: client.text.length,
      bodyBytesOut: 'fine'.length,
      attempts: 1,
      ended: 'served',
      reason: 'served',
      userAgent: 'ua/1',
      referer: 'http://r.test/',
    });
    expect(record!['requestId']).toBe(fieldOf(backend.requests[0]!, 'x-request-id'));
    expect(Math.abs(Date.parse(String(record!['time'])) - before)).toBeLessThan(20_000);
    expect(record!['queueMs']).toBe(0);
    expect(record!['connectMs']).toBeGreaterThan(0);
    expect(record!['firstByteMs']).toBeGreaterThan(0);
    const phases = Number(record!['connectMs']) + Number(record!['firstByteMs']);
    expect(record!['durationMs']).toBeGreaterThanOrEqual(phases);
    expect(record).not.toHaveProperty('cause');
  });

  it('has a line for each request of a connection, whatever came of it', async () => {
    const backend = await startBackend(({ startLine }, { socket }) => {
      if (startLine.includes('/app/slow')) return undefined;
      if (!startLine.includes('/app/break')) return answerText(startLine.startsWith('HEAD') ? '' : 'ok');
      socket.resetAndDestroy();
      return undefined;
    });
    const lb = await run([backend.address]);
    const client = await connectTo(lb.address());
    client.send(get('/old/x') + get('/none') + get('/app/1') + requestText('HEAD /app/2 HTTP/1.1'));
    await client.until(() => client.text.split('HTTP/1.1 ').length === 5, 'four answers');
    client.send(post('/app/break', 'x') + post('/app/slow', 'x'));
    await client.until(() => client.text.includes(' 504 '), '504');
    const records = await recordsOf(lb, 6);
    expect(records.map(({ status, route, pool, ended, attempts }) => [status, route, pool, ended, attempts])).toEqual([
      [308, 'moved', '', 'served', 0],
      [404, '', '', 'no-route', 0],
      [200, 'app', 'web', 'served', 1],
      [200, 'app', 'web', 'served', 1],
      [502, 'app', 'web', 'backend-failed', 1],
      [504, 'app', 'web', 'backend-timeout', 1],
    ]);
    expect(records.map((record) => record['backend'])).toEqual(['', '', ...Array(4).fill(backend.address)]);
    expect(records.map((record) => Number(record['connectMs']) > 0)).toEqual([false, false, true, false, false, true]);
    const written = records.reduce((sum, record) => sum + Number(record['bytesOut']), 0);
    expect(written).toBe(client.text.length);
    expect(records[5]!['durationMs']).toBeGreaterThan(250);
  });

  it('says how many backends were tried, and that a client left', async () => {
    const backend = await startBackend(({ startLine }) => (startLine.includes('/hold') ? undefined : answerText('ok')));
    const lb = await run(['127.0.0.1:1', backend.address]);
    const client = await connectTo(lb.address());
    client.send(get('/app/hold'));
    await eventually(() => backend.requests.length === 1, 'the request');
    client.reset();
    const next = await connectTo(lb.address());
    await next.send(get('/app/1') + get('/app/2')).answers(2);
    const records = await recordsOf(lb, 3);
    expect(records.map(({ status, ended }) => [status, ended])).toEqual([
      [499, 'client-aborted'],
      [200, 'served'],
      [200, 'served'],
    ]);
    expect(records[0]).toMatchObject({ reason: 'client left before the answer', firstByteMs: 0 });
    expect(records.map(({ attempts }) => attempts)).toContain(2);
    expect(records[0]!['bytesOut']).toBe(0);
  });

  it('says how long a request has waited for a backend, be it in vain', async () => {
    const asked: RecordedConnection[] = [];
    const backend = await startBackend((_request, connection) => void asked.push(connection));
    const lb = await runFairlead({
      ...webConfig([{ address: backend.address, maxConnections: 1 }], {}, { queue: { max: 2, timeout: '1500ms' } }),
      log: { level: 'silent', access: true },
    });
    const clients = [];
    for (const path of ['/first', '/second', '/third']) {
      clients.push((await connectTo(lb.address())).send(get(path)));
      await eventually(() => asked.length === 1, 'the first request');
    }
    await pause(150);
    asked[0]!.socket.write(answerText('ok'));
    const records = await recordsOf(lb, 2);
    expect(records.map(({ target, status, ended }) => [target, status, ended])).toEqual([
      ['/first', 200, 'served'],
      ['/third', 503, 'saturated'],
    ]);
    expect(records[0]!['queueMs']).toBe(0);
    asked[1]!.socket.write(answerText('ok'));
    const [, third, second] = await recordsOf(lb, 3);
    expect(second).toMatchObject({ target: '/second', status: 200, attempts: 1 });
    for (const [{ queueMs, durationMs }, least] of [
      [second!, 100],
      [third!, 1200],
    ] as const) {
      expect(queueMs).toBeGreaterThanOrEqual(least);
      expect(durationMs).toBeGreaterThanOrEqual(Number(queueMs));
    }
    const { queueMs, connectMs, firstByteMs, durationMs } = second as Record<string, number>;
    expect(durationMs).toBeGreaterThanOrEqual(queueMs! + connectMs! + firstByteMs!);
  });

  it('names the client behind a trusted proxy, and the id that proxy gave', async () => {
    const backend = await startBackend();
    const lb = await run([backend.address]);
    const client = await connectTo(lb.address());
    await client.send(get('/app/', 'X-Forwarded-For: 9.9.9.9, 127.0.0.1', 'X-Request-Id: theirs')).answer();
    expect(await recordsOf(lb, 1)).toMatchObject([{ client: '9.9.9.9', requestId: 'theirs' }]);
  });

  it('has words for what cut an answer short, and how far it had come', async () => {
    const backend = await startBackend(({ startLine }, { socket }) => {
      if (startLine.includes('/broken')) {
        return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\nxyz\r\n';
      }
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n12345');
      if (startLine.includes('/reset')) setTimeout(() => socket.resetAndDestroy(), 20);
      return undefined;
    });
    const lb = await run([backend.address]);
    for (const path of ['/app/reset', '/app/broken']) {
      const client = await connectTo(lb.address());
      client.send(get(path));
      await client.ended();
    }
    const leaver = await connectTo(lb.address());
    leaver.send(get('/app/leave'));
    await leaver.until(() => leaver.text.endsWith('12345'), 'the part');
    leaver.reset();
    const records = await recordsOf(lb, 3);
    expect(records.map(({ status, ended }) => [status, ended])).toEqual([
      [200, 'backend-reset'],
      [200, 'bad-response'],
      [499, 'client-aborted'],
    ]);
    expect(records.map(({ reason }) => reason)).toEqual([
      'backend reset the connection after 5 bytes of the answer',
      expect.stringMatching(/^backend broke the framing of its answer after \d+ bytes of the answer: .*chunk/),
      'client left after 5 bytes of the answer',
    ]);
  });

  it('has a line for a request that could not be read, with the cause', async () => {
    const lb = await run(['127.0.0.1:1']);
    const client = await connectTo(lb.address());
    client.send('GET /app/ HTTP/1.1\r\nHost : x\r\n\r\n');
    await client.ended();
    const [record] = await recordsOf(lb, 1);
    expect(record).toMatchObject({
      client: '127.0.0.1',
      method: '',
      status: 400,
      ended: 'bad-request',
      bytesOut: client.text.length,
      attempts: 0,
    });
    expect(client.text.endsWith(`\r\n\r\n${record!['reason']}\n`)).toBe(true);
  });

  it('has one line for an upgraded connection, when it ends', async () => {
    const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
    const backend = await startBackend(switched);
    const lb = await run([backend.address]);
    const client = await connectTo(lb.address());
    const request = get('/app/ws', 'Connection: Upgrade', 'Upgrade: x');
    client.send(request);
    await client.until(() => client.text === switched, '101');
    client.send('four');
    await eventually(() => backend.text.endsWith('four'), 'the bytes');
    await pause(300);
    expect(lb.accessLines).toEqual([]);
    client.end();
    const [record] = await recordsOf(lb, 1);
    expect(record).toMatchObject({
      status: 101,
      ended: 'served',
      bytesIn: request.length + 4,
      bytesOut: switched.length,
    });
  });
});

describe('the access log in the combined format', () => {
  it('is one line as Apache writes it, whatever a client sends', async () => {
    const backend = await startBackend();
    const lb = await run([backend.address], { format: 'combined' });
    const client = await connectTo(lb.address());
    client.send(get('/app/a"b', 'User-Agent: x"y\xff', 'Referer: http://r.test/') + get('/old/'));
    await client.answers(2);
    const [served, moved] = await linesOf(lb, 2);
    const time = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]`;
    expect(served).toMatch(
      new RegExp(
        String.raw`^127\.0\.0\.1 - - ${time} "GET /app/a\\x22b HTTP/1\.1" 200 2 "http://r\.test/" "x\\x22y\\xFF"$`,
      ),
    );
    expect(moved).toMatch(new RegExp(String.raw`^127\.0\.0\.1 - - ${time} "GET /old/ HTTP/1\.1" 308 0 "-" "-"$`));
  });
});

describe('an access log that is off, or samples', () => {
  it.each([false, { sample: 0.2 }] as const)('%j writes what it says', async (access) => {
    const backend = await startBackend();
    const lb = await run([backend.address], access);
    const client = await connectTo(lb.address());
    client.send(get('/app/').repeat(400));
    await client.until(() => client.text.length === 400 * answerText('ok').length, 'all answers');
    if (access !== false) await linesOf(lb, 1);
    await pause(300);
    const lines = lb.accessLines.length;
    if (access === false) expect(lines).toBe(0);
    else expect(lines > 30 && lines < 150).toBe(true);
  });
});
