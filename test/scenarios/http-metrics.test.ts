import { afterEach, describe, expect, it } from 'vitest';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get, post, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric, type Sample, scrape, sumOf } from '../support/scrape.ts';

afterEach(closeOpened);

const admin = { bind: '127.0.0.1:0' };

function ofName(samples: readonly Sample[], name: string): [Sample['labels'], number][] {
  return samples.filter((sample) => sample.name === `fairlead_${name}`).map(({ labels, value }) => [labels, value]);
}

async function served(lb: RunningFairlead, count: number): Promise<Sample[]> {
  await eventually(async () => (await metric(lb, 'requests_total')) === count, `${count} requests`);
  return scrape(lb);
}

describe('what is counted of requests', () => {
  it('is who took them, who answered and with what; nothing of it comes from a client', async () => {
    const backend = await startBackend(({ startLine }) =>
      answerText('x', startLine.includes('/no') ? '404 No' : '200 OK'),
    );
    const routes = [
      { name: 'app', match: { path: '/app/*' }, pool: 'web' },
      { name: 'ping', match: { path: '/ping' }, respond: { body: 'pong' } },
      { name: 'dead', match: { path: '/dead' }, pool: 'dead' },
    ];
    const config = webConfig([{ name: 'one', address: backend.address }], { routes });
    const dead = { backends: [{ name: 'none', address: '127.0.0.1:1' }], health: { type: 'off' as const } };
    const lb = await runFairlead({ ...config, pools: { ...config.pools, dead }, admin });
    const client = await connectTo(lb.address());
    client.send(get('/app/1') + get('/app/no') + get('/app/2') + get('/ping') + get('/dead') + get('/nowhere'));
    await client.answers(6);
    client.send('BAD\r\n\r\n');
    await client.ended();
    const samples = await served(lb, 7);
    const key = ({ route, pool, backend: id, code }: Sample['labels']) => [route, pool, id, code].join(' ');
    const counted = ofName(samples, 'requests_total').map(([labels, value]) => [key(labels), value]);
    expect(Object.fromEntries(counted)).toEqual({
      'app web one 200': 2,
      'app web one 404': 1,
      'ping   200': 1,
      'dead dead none 502': 1,
      '   404': 1,
      '   400': 1,
    });
    expect(ofName(samples, 'refusals_total').map(([labels, value]) => [labels['reason'], value])).toEqual([
      ['no-route', 1],
      ['bad-request', 1],
    ]);
    expect(sumOf(samples, 'fairlead_request_duration_seconds_count', { route: 'app' })).toBe(3);
    expect(sumOf(samples, 'fairlead_backend_picks_total', { pool: 'web', backend: 'one' })).toBe(3);
    expect(sumOf(samples, 'fairlead_backend_failures_total', { pool: 'dead', reason: 'connect-refused' })).toBe(1);
  });

  it('is how long they took', async () => {
    const backend = await startBackend((_, { socket }) => {
      setTimeout(() => socket.write(answerText('slow')), 60);
      return undefined;
    });
    const lb = await runFairlead({ ...webConfig([backend.address]), admin });
    const client = await connectTo(lb.address());
    for (let i = 0; i < 3; i++) await client.send(get()).answer();
    const samples = await served(lb, 3);
    const seconds = sumOf(samples, 'fairlead_request_duration_seconds_sum');
    expect(seconds > 0.17 && seconds < 5).toBe(true);
    expect(sumOf(samples, 'fairlead_request_duration_seconds_bucket', { le: '0.05' })).toBe(0);
    expect(sumOf(samples, 'fairlead_backend_connect_seconds_count')).toBe(1);
  });
});

describe('what is counted of connections', () => {
  it('is all that were accepted, all that are open, and every byte', async () => {
    const backend = await startBackend(({ body }) => answerText(body));
    const lb = await runFairlead({ ...webConfig([backend.address]), workers: 2, admin });
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectTo(lb.address())));
    let bytesIn = 0;
    for (const [i, client] of clients.entries()) {
      const request = post('/', 'u'.repeat(i * 20_000));
      bytesIn += request.length;
      await client.send(request).answers(1);
    }
    const bytesOut = clients.reduce((sum, { text }) => sum + text.length, 0);
    const samples = await served(lb, 8);
    const counts = ['connections_total', 'connections_active'].map((name) => sumOf(samples, `fairlead_${name}`));
    expect(counts).toEqual([8, 8]);
    expect(['in', 'out'].map((direction) => sumOf(samples, 'fairlead_bytes_total', { direction }))).toEqual([
      bytesIn,
      bytesOut,
    ]);
    for (const client of clients.slice(0, 5)) client.close();
    await eventually(
      async () => (await metric(lb, 'connections_active', { listener: 'web' })) === 3,
      'the end of five',
    );
    expect(await metric(lb, 'connections_total', { listener: 'web' })).toBe(8);
  });

  it('is the bytes of answers of our own too', async () => {
    const lb = await runFairlead({ ...webConfig(['127.0.0.1:1']), admin });
    const client = await connectTo(lb.address());
    await client.send(get()).answers(1);
    client.send(requestText('GET / HTTP/1.1', ['Content-Length: x']));
    const { text } = await client.ended();
    expect(await metric(lb, 'bytes_total', { direction: 'out' })).toBe(text.length);
  });
});

describe('what is held of backends', () => {
  it('is a lease for every request under way', async () => {
    const backend = await startBackend(() => undefined);
    const lb = await runFairlead({ ...webConfig([backend.address]), workers: 2, admin });
    const clients = await Promise.all(Array.from({ length: 6 }, () => connectTo(lb.address())));
    for (const client of clients) client.send(get());
    await eventually(() => backend.requests.length === 6, 'six requests');
    expect(await metric(lb, 'backend_active')).toBe(6);
    for (const { socket } of backend.connections.slice(0, 4)) socket.write(answerText('ok'));
    await eventually(async () => (await metric(lb, 'backend_active')) === 2, 'the return of four leases');
    expect(await metric(lb, 'connections_active')).toBe(6);
  });
});
