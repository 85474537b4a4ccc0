import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, type RecordedConnection, startBackend } from '../support/recording-backend.ts';
import { chunked, get, post, requestText } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

type HttpListener = Extract<ConfigInput['listeners'][string], { protocol: 'http' }>;
type Routes = NonNullable<HttpListener['routes']>;

const json = (is: string, more = {}) => ({ body: { json: 'tenant.id', is, ...more } });
const acme = '{"tenant":{"id":"acme"}}';
const other = '{"tenant":{"id":"other"}}';

/** Two backends, `acme` and `rest`, and a client before a route for each unless told otherwise. */
async function start(routes?: Routes, listener: Partial<HttpListener> = {}) {
  const backends = { acme: await startBackend(answerText('acme')), rest: await startBackend(answerText('rest')) };
  const pools = Object.fromEntries(
    Object.entries(backends).map(([name, { address }]) => [
      name,
      { backends: [address], health: { type: 'off' as const } },
    ]),
  );
  const { listeners } = webConfig([], {
    routes: routes ?? [{ match: { path: '/api/*', ...json('acme') }, pool: 'acme' }, { pool: 'rest' }],
    ...listener,
  });
  const lb = await runFairlead({ listeners, pools, admin: { bind: '127.0.0.1:0' } });
  return { backends, lb, client: await connectTo(lb.address()) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a route by the body', () => {
  it('takes what matches, whole and in pieces, by length and in chunks, and sends it on byte for byte', async () => {
    const { backends, client } = await start();
    const bodies: [string, string, string][] = [
      [`Content-Length: ${acme.length}`, acme, 'acme'],
      [`Content-Length: ${other.length}`, other, 'rest'],
      [
        'Transfer-Encoding: chunked',
        chunked([acme.slice(0, 5), acme.slice(5, 6), acme.slice(6)], ['X-Sum: 1']),
        'acme',
      ],
      ['Transfer-Encoding: chunked', `${acme.length.toString(16)};ext="a"\r\n${acme}\r\n000\r\n\r\n`, 'acme'],
      ['Transfer-Encoding: chunked', '0\r\n\r\n', 'rest'],
    ];
    for (const [field, body, expected] of bodies) {
      const request = requestText('POST /api/x HTTP/1.1', [field], body);
      for (const pieces of [
        [request],
        [request.slice(0, -body.length), ...body],
        [request.slice(0, -3), request.slice(-3)],
      ]) {
        for (const piece of pieces) {
          client.send(piece);
          await settled();
        }
        expect([body, (await client.answer()).body]).toEqual([body, expected]);
        const { text } = backends[expected as 'acme'];
        expect(text.endsWith(`\r\n\r\n${body}`)).toBe(true);
      }
    }
    expect(backends.acme.requests).toHaveLength(9);
  });

  it('holds only what gets that far: other requests stream', async () => {
    const { backends, client } = await start([
      { match: { path: '/api/*', method: 'POST', ...json('acme') }, pool: 'acme' },
      { pool: 'rest' },
    ]);
    client.send(requestText('PUT /api/x HTTP/1.1', ['Content-Length: 1000']));
    await client.until(() => backends.rest.text.includes('\r\n\r\n'), 'the head at the backend');
    client.send('x'.repeat(1000));
    expect((await client.answer()).body).toBe('rest');
    expect((await client.send(get('/api/x')).answer()).body).toBe('rest');
    client.send(requestText('POST /api/x HTTP/1.1', [`Content-Length: ${acme.length}`]) + acme.slice(0, 5));
    await settled();
    client.send(acme.slice(5) + get('/api/next'));
    expect([(await client.answer()).body, (await client.answer()).body]).toEqual(['acme', 'rest']);
  });

  it('passes on what is larger than the limit, all of it', async () => {
    const { backends, client } = await start([
      { match: json('acme', { limit: '100B' }), pool: 'acme' },
      { match: { body: { contains: 'needle', limit: '1KiB' } }, pool: 'acme' },
      { pool: 'rest' },
    ]);
    const send = async (body: string, framing: 'length' | 'chunks') => {
      const field = framing === 'length' ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked';
      const sent = framing === 'length' ? body : chunked(body.match(/.{1,90}/gs)!);
      for (const piece of requestText('POST / HTTP/1.1', [field], sent).match(/.{1,50000}/gs)!) {
        client.send(piece);
        await settled();
      }
      const answer = (await client.answer()).body;
      expect(backends[answer as 'acme'].text.endsWith(`\r\n\r\n${sent}`)).toBe(true);
      return answer;
    };
    for (const framing of ['length', 'chunks'] as const) {
      expect(await send(acme.padEnd(100), framing)).toBe('acme');
      expect(await send(acme.padEnd(101), framing)).toBe('rest');
      expect(await send(`${acme.padEnd(1000)}needle`, framing)).toBe('acme');
      expect(await send(`${acme.padEnd(300_000)}needle`, framing)).toBe('rest');
    }
  });

  it('does not look into what is compressed', async () => {
    const { client } = await start();
    expect((await client.send(post('/api/x', acme, 'Content-Encoding: gzip')).answer()).body).toBe('rest');
    expect((await client.send(post('/api/x', acme, 'Content-Encoding: identity')).answer()).body).toBe('acme');
  });

  it('by a form, and by a text', async () => {
    const { client } = await start([
      { match: { body: { form: 'plan', is: ['pro', '~^team'] } }, pool: 'acme' },
      { match: { body: { contains: '<id>é</id>' } }, pool: 'acme' },
      { pool: 'rest' },
    ]);
    const form = 'Content-Type: application/x-www-form-urlencoded';
    expect((await client.send(post('/', 'a=b&plan=team+x', form)).answer()).body).toBe('acme');
    expect((await client.send(post('/', 'plan=pro', 'Content-Type: text/plain')).answer()).body).toBe('rest');
    expect((await client.send(post('/', Buffer.from('<x><id>é</id></x>').toString('latin1'))).answer()).body).toBe(
      'acme',
    );
  });

  it('leaves a request that no route takes with 404', async () => {
    const { client } = await start([{ match: json('acme'), pool: 'acme' }]);
    expect((await client.send(post('/', other)).answer()).status).toBe(404);
    expect((await client.send(get('/')).answer()).status).toBe(404);
    client.send(
      requestText('POST / HTTP/1.1', ['Transfer-Encoding: chunked']) + chunked(['x'.repeat(70_000)]).slice(0, -5),
    );
    expect([(await client.answer()).status, (await client.ended()).ending]).toEqual([404, 'fin']);
  });

  it('and by nothing else answers by itself too, and knows captures', async () => {
    const { client } = await start([
      { match: { path: '~^/api/(.*)$', ...json('acme') }, redirect: { to: '/acme/$1' } },
      { match: { path: '~^/api/(.*)$', ...json('other') }, pool: 'rest', rewrite: { path: '/o/$1', host: 'o.test' } },
    ]);
    expect(fieldOf(await client.send(post('/api/x', acme)).answer(), 'location')).toBe('/acme/x');
    expect((await client.send(post('/api/x', other)).answer()).body).toBe('rest');
  });
});

describe('a client that waits to be asked for its body', () => {
  const fields = [`Content-Length: ${acme.length}`, 'Expect: 100-continue'];

  it('is asked when the body is held, and the backend is not', async () => {
    const { backends, client } = await start();
    client.send(requestText('POST /api/x HTTP/1.1', fields));
    expect((await client.answer()).startLine).toBe('HTTP/1.1 100 Continue');
    expect((await client.send(acme).answer()).body).toBe('acme');
    expect([backends.acme.text.endsWith(acme), /expect/i.test(backends.acme.text)]).toEqual([true, false]);
  });

  it('is not asked by us when it is not', async () => {
    const { backends, client } = await start();
    client.send(requestText('POST /other HTTP/1.1', fields));
    await client.until(() => /expect: 100-continue/i.test(backends.rest.text), 'the head at the backend');
    expect((await client.send(acme).answer()).body).toBe('rest');
  });
});

describe('while a body is held', () => {
  const head = requestText('POST /api/x HTTP/1.1', ['Content-Length: 100']);

  it('a client that goes silent is told so after the body timeout', async () => {
    const { backends, lb, client } = await start(undefined, { timeouts: { body: '150ms' } });
    client.send(`${head}{`);
    const answer = await client.answer();
    expect([answer.status, fieldOf(answer, 'fairlead-error')]).toEqual([408, 'request-timeout']);
    expect((await client.ended()).ending).toBe('fin');
    expect(backends.rest.connections).toHaveLength(0);
    expect(await metric(lb, 'requests_total', { code: '408' })).toBe(1);
  });

  it.each(['reset', 'fin'] as const)('a client that leaves by a %s leaves nothing behind', async (how) => {
    const { backends, lb, client } = await start();
    client.send(`${head}{"tenant"`);
    await settled();
    if (how === 'reset') client.reset();
    else client.end();
    await eventually(async () => (await metric(lb, 'connections_active')) === 0, 'no connection');
    expect(await metric(lb, 'requests_total', { code: '499' })).toBe(1);
    expect([backends.acme.connections.length, backends.rest.connections.length]).toEqual([0, 0]);
  });

  it('a body that is not framed as it should be is refused and reaches nobody', async () => {
    const { backends, client } = await start();
    client.send(requestText('POST /api/x HTTP/1.1', ['Transfer-Encoding: chunked'], '5\r\nab'));
    await settled();
    client.send('cdeXX0\r\n\r\n');
    const answer = await client.answer();
    expect([answer.status, (await client.ended()).ending]).toEqual([400, 'fin']);
    expect([backends.acme.text, backends.rest.text]).toEqual(['', '']);
  });

  it('the limit on bodies of the listener holds', async () => {
    const { client } = await start(undefined, { limits: { bodyBytes: 50 } });
    client.send(requestText('POST /api/x HTTP/1.1', ['Transfer-Encoding: chunked'], `40\r\n${'x'.repeat(64)}`));
    expect((await client.answer()).status).toBe(413);
  });

  it('another request on the thread does not get into its place', async () => {
    const { lb, client } = await start();
    client.send(
      requestText('POST /api/x HTTP/1.1', [`Content-Length: ${acme.length}`, 'X-Mine: 1']) + acme.slice(0, 9),
    );
    await settled();
    const second = await connectTo(lb.address());
    expect((await second.send(post('/elsewhere', 'x', 'X-Mine: 2')).answer()).body).toBe('rest');
    expect((await client.send(acme.slice(9)).answer()).body).toBe('acme');
  });
});

describe('a body that was held', () => {
  /** A backend that fails the first request on each connection as this does, then answers. */
  const failing = () =>
    startBackend((_request, { socket }: RecordedConnection) => void setImmediate(() => socket.resetAndDestroy()));

  it.each([
    ['PUT', 200],
    ['POST', 502],
  ])('is sent again with %s when that is safe: %i', async (method, status) => {
    const good = await startBackend();
    const bad = await failing();
    const lb = await runFairlead(
      webConfig([bad.address, good.address], {
        routes: [{ match: { body: { contains: 'body' } }, pool: 'web' }],
      }),
    );
    const client = await connectTo(lb.address());
    const body = chunked(['bo', 'dy'], ['X: y']);
    client.send(requestText(`${method} / HTTP/1.1`, ['Transfer-Encoding: chunked']));
    await settled();
    for (const piece of body.match(/.{1,4}/gs)!) {
      client.send(piece);
      await settled();
    }
    expect((await client.answer()).status).toBe(status);
    expect(bad.requests).toHaveLength(1);
    if (status === 200) expect(good.text.endsWith(`\r\n\r\n${body}`)).toBe(true);
  });
});
