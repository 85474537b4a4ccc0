import type { ServerHttp2Stream } from 'node:http2';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { type OnStream, startH2Backend } from '../support/h2-backend.ts';
import { askH2, connectH2 } from '../support/h2-client.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { get, post } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterAll(closeOpened);

/** A pool over HTTP/2 whose backends are not ejected. */
function run(addresses: readonly string[], route: object = {}, pool: { connect?: object; keepAlive?: object } = {}) {
  return runFairlead({
    ...webConfig(
      [...addresses],
      { routes: [{ pool: 'web', ...route }] },
      { eject: { failures: 0 }, ...pool, connect: { http2: true, ...pool.connect } },
    ),
    admin: { bind: '127.0.0.1:0' },
  });
}

const answer: OnStream = (stream, headers) => {
  stream.respond({ ':status': 200 });
  stream.end(String(headers[':path']));
};

/** Keeps streams until they are answered by hand. */
function keeper() {
  const open: ServerHttp2Stream[] = [];
  const onStream: OnStream = (stream) => {
    open.push(stream);
    stream.on('close', () => open.splice(open.indexOf(stream), 1));
  };
  const answerOne = (): void => {
    const stream = open[0]!;
    stream.respond({ ':status': 200 });
    stream.end('kept');
  };
  return { open, onStream, answerOne };
}

/** A way to a backend on which connections fall silent, without an end, as behind a firewall that has forgotten them. */
async function startGate(backend: string) {
  const [host, port] = backend.split(':') as [string, string];
  const passing: net.Socket[] = [];
  const gate = await startPeer((socket) => {
    const onward = net.connect(Number(port), host);
    remember({ close: () => onward.destroy() });
    passing.push(socket, onward);
    socket.pipe(onward).pipe(socket);
    onward.on('error', () => {});
  });
  const silence = (): void => {
    for (const socket of passing) socket.unpipe().resume();
  };
  return { address: gate.address, silence };
}

const noLeaseLeft = (lb: RunningFairlead) =>
  eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of all leases');

describe.concurrent('the streams that a backend allows', () => {
  it('are used up before another session is made, and again when they are free', async () => {
    const { open, onStream, answerOne } = keeper();
    const backend = await startH2Backend(onStream, { maxConcurrentStreams: 2 });
    const lb = await run([backend.address]);
    const session = await connectH2(lb.address());
    const asked = [1, 2, 3, 4, 5].map((i) => askH2(session, { ':path': `/${i}` }));
    await eventually(() => open.length === 5, 'all requests');
    const made = backend.sessions.length;
    expect(made).toBe(3);
    for (let i = 0; i < 20; i++) {
      answerOne();
      asked.push(askH2(session, { ':path': '/more' }));
      await eventually(() => backend.paths.length === 6 + i && open.length === 5, 'the next request');
    }
    expect(backend.sessions.length).toBe(made);
    while (open.length > 0) {
      answerOne();
      await eventually(() => !open[0]?.headersSent, 'its end');
    }
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200));
    await noLeaseLeft(lb);
  });

  it('are waited for when no further session may be made, no longer than a connection may take', async () => {
    const { open, onStream, answerOne } = keeper();
    const backend = await startH2Backend(onStream, { maxConcurrentStreams: 1 });
    const lb = await run([backend.address], { retry: { attempts: 1 } }, { connect: { timeout: '1500ms' } });
    const session = await connectH2(lb.address());
    const first = Array.from({ length: 16 }, (_, i) => askH2(session, { ':path': `/${i}` }));
    await eventually(() => open.length === 16, 'sixteen requests');
    const served = askH2(session, { ':path': '/served' });
    await pause(100);
    answerOne();
    await eventually(() => backend.paths.includes('/served'), 'the one that waited');
    const late = await askH2(session, { ':path': '/late' });
    expect([late.status, late.body]).toEqual([504, 'the backend did not accept the connection in time\n']);
    expect(backend.sessions).toHaveLength(16);
    while (open.length > 0) {
      answerOne();
      await eventually(() => !open[0]?.headersSent, 'its end');
    }
    for (const { status } of await Promise.all([...first, served])) expect(status).toBe(200);
    await noLeaseLeft(lb);
  });

  it('may be none at all', async () => {
    const backend = await startH2Backend(answer, { maxConcurrentStreams: 0 });
    const lb = await run([backend.address], {}, { connect: { timeout: '300ms' } });
    const client = await connectTo(lb.address());
    expect((await client.send(get()).answer()).status).toBe(504);
    expect(backend.sessions.length).toBeLessThanOrEqual(16);
    await noLeaseLeft(lb);
  });
});

describe.concurrent('time over HTTP/2', () => {
  it('is limited for a backend that never says its settings', async () => {
    const silent = await startPeer((socket) => void socket.resume());
    const lb = await run([silent.address], {}, { connect: { timeout: '300ms' } });
    const client = await connectTo(lb.address());
    const late = await client.send(get()).answer();
    expect([late.status, fieldOf(late, 'fairlead-error')]).toEqual([504, 'backend-timeout']);
    expect(await metric(lb, 'backend_failures_total', { reason: 'connect-timeout' })).toBeGreaterThan(0);
    await eventually(() => silent.open === 0, 'the end of the connection');
  });

  it('is limited for an answer, whose stream is taken back, while the session goes on', async () => {
    const codes: number[] = [];
    const backend = await startH2Backend((stream, headers) => {
      if (headers[':path'] === '/slow') stream.on('close', () => codes.push(stream.rstCode ?? -1));
      else answer(stream, headers);
    });
    const lb = await run([backend.address], { timeout: '1500ms' });
    const client = await connectTo(lb.address());
    const late = await client.send(get('/slow')).answer();
    expect([late.status, fieldOf(late, 'fairlead-error')]).toEqual([504, 'backend-timeout']);
    await eventually(() => codes[0] === 8, 'CANCEL');
    expect((await client.send(get('/next')).answer()).body).toBe('/next');
    expect(backend.sessions).toHaveLength(1);
    expect(await metric(lb, 'backend_failures_total', { reason: 'backend-timeout' })).toBe(1);
  });

  it('is limited between two parts of an answer', async () => {
    const codes: number[] = [];
    const backend = await startH2Backend((stream) => {
      stream.on('close', () => codes.push(stream.rstCode ?? -1));
      stream.respond({ ':status': 200, 'content-length': 9 });
      stream.write('some');
    });
    const lb = await runFairlead({
      ...webConfig([backend.address], { timeouts: { idle: '1s' } }, { connect: { http2: true } }),
      admin: { bind: '127.0.0.1:0' },
    });
    const client = await connectTo(lb.address());
    expect((await client.send(get()).ended()).ending).toBe('reset');
    expect(client.text.endsWith('some')).toBe(true);
    await eventually(() => codes[0] === 8, 'CANCEL');
    await noLeaseLeft(lb);
  });

  it('ends a session that has no stream, and none that has one', async () => {
    const { open, onStream, answerOne } = keeper();
    const backend = await startH2Backend((stream, headers) =>
      headers[':path'] === '/kept' ? onStream(stream, headers) : answer(stream, headers),
    );
    let ended = 0;
    const lb = await run([backend.address], {}, { keepAlive: { idle: '300ms' } });
    const client = await connectTo(lb.address());
    client.send(get('/kept'));
    await eventually(() => open.length === 1, 'a request');
    backend.sessions[0]!.on('close', () => ended++);
    const other = await connectTo(lb.address());
    expect((await other.send(get('/a')).answer()).body).toBe('/a');
    await pause(900);
    expect([ended, backend.sessions.length]).toEqual([0, 1]);
    answerOne();
    expect((await client.answer()).body).toBe('kept');
    await eventually(() => ended === 1, 'the end of the session');
    expect((await other.send(get('/b')).answer()).body).toBe('/b');
    expect(backend.sessions).toHaveLength(2);
  });
});

describe.concurrent('streams that a backend leaves behind', () => {
  it('are sent again, whatever their method, when they are above the last one of its GOAWAY', async () => {
    const { open, onStream, answerOne } = keeper();
    const backend = await startH2Backend((stream, headers) =>
      backend.sessions.length === 1 ? onStream(stream, headers) : answer(stream, headers),
    );
    const lb = await run([backend.address]);
    const session = await connectH2(lb.address());
    const first = askH2(session, { ':path': '/first' });
    await eventually(() => open.length === 1, 'the first');
    const sent = { body: Buffer.from('body') };
    const others = [1, 2, 3].map((i) => askH2(session, { ':path': `/${i}`, ':method': 'POST' }, sent));
    await eventually(() => open.length === 4, 'the others');
    backend.sessions[0]!.goaway(0, 1);
    expect((await Promise.all(others)).map(({ status, body }) => [status, body])).toEqual([
      [200, '/1'],
      [200, '/2'],
      [200, '/3'],
    ]);
    answerOne();
    expect(await first).toMatchObject({ status: 200, body: 'kept' });
    expect(backend.sessions).toHaveLength(2);
    await noLeaseLeft(lb);
  });

  it('are told apart when it goes in anger: those it has looked at follow the rules of retries', async () => {
    const { open, onStream } = keeper();
    const backend = await startH2Backend((stream, headers) =>
      backend.sessions.length === 1 ? onStream(stream, headers) : answer(stream, headers),
    );
    const lb = await run([backend.address]);
    const session = await connectH2(lb.address());
    const sent = { body: Buffer.from('body') };
    const seen = askH2(session, { ':path': '/seen', ':method': 'POST' }, sent);
    await eventually(() => open.length === 1, 'the first');
    const unseen = askH2(session, { ':path': '/unseen', ':method': 'POST' }, sent);
    await eventually(() => open.length === 2, 'the second');
    backend.sessions[0]!.goaway(11, 1);
    expect([(await seen).status, (await unseen).body]).toEqual([502, '/unseen']);
    await noLeaseLeft(lb);
  });

  it('are not sent again without end', async () => {
    const backend = await startH2Backend((stream) => stream.close(7));
    const lb = await run([backend.address]);
    const client = await connectTo(lb.address());
    expect((await client.send(post('/', 'body')).answer()).status).toBe(502);
    expect(backend.paths.length).toBeLessThanOrEqual(3);
    await noLeaseLeft(lb);
  });

  it('all come to their end when it dies', async () => {
    const { open, onStream } = keeper();
    const dying = await startH2Backend(onStream);
    const lb = await run([dying.address], { retry: { attempts: 2, budget: '100%' } });
    const session = await connectH2(lb.address());
    const gets = Array.from({ length: 20 }, (_, i) => askH2(session, { ':path': `/get/${i}` }));
    const posts = Array.from({ length: 20 }, (_, i) => askH2(session, { ':path': `/post/${i}`, ':method': 'POST' }));
    const begun = askH2(session, { ':path': '/begun' });
    await eventually(() => open.length === 41, 'all requests');
    const kept = open.find((stream) => stream.sentHeaders === undefined && stream.id === 81)!;
    kept.respond({ ':status': 200 });
    kept.write('some');
    const second = await startH2Backend(answer);
    await lb.reloadWith({
      ...webConfig([dying.address, second.address], {}, { connect: { http2: true } }),
      admin: { bind: '127.0.0.1:0' },
    });
    await pause(100);
    await dying.close();
    expect((await Promise.all(gets)).map(({ status }) => status)).toEqual(gets.map(() => 200));
    expect((await Promise.all(posts)).map(({ status }) => status)).toEqual(posts.map(() => 502));
    expect(await begun).toMatchObject({ status: 200, body: 'some', rstCode: 2 });
    await noLeaseLeft(lb);
  });

  it('do not go on a session of which nothing is heard any more', async () => {
    const backend = await startH2Backend(answer);
    const { address, silence } = await startGate(backend.address);
    const lb = await run([address], { timeout: '1500ms' }, { connect: { timeout: '700ms' } });
    const client = await connectTo(lb.address());
    expect((await client.send(get('/a')).answer()).body).toBe('/a');
    silence();
    expect((await client.send(get('/b')).answer()).status).toBe(504);
    await eventually(async () => {
      const next = await client.send(get('/c')).answer();
      return next.status === 200;
    }, 'another session');
    expect(backend.sessions).toHaveLength(2);
    await noLeaseLeft(lb);
  });
});
