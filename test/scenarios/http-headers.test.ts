import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get, requestText } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';

afterEach(closeOpened);

type Routes = NonNullable<Extract<ConfigInput['listeners'][string], { protocol: 'http' }>['routes']>;
type Headers = NonNullable<Routes[number]['headers']>;

describe('headers of a route', () => {
  it('change on the way to the backend and back, and nothing else does', async () => {
    const backend = await startBackend(
      answerText('hi', '200 OK', ['Server: secret', 'X-Keep: yes', 'set-cookie: a=1']),
    );
    const headers: Headers = {
      request: {
        set: { 'X-User': 'grüße', 'X-Forwarded-Proto': 'https' },
        add: { Via: ['a', 'b'] },
        remove: ['Cookie'],
      },
      response: { set: { 'Strict-Transport-Security': 'max-age=1' }, add: { 'Set-Cookie': 'b=2' }, remove: ['server'] },
    };
    const lb = await runFairlead(webConfig([backend.address], { routes: [{ pool: 'web', headers }] }));
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(get('/', 'x_user: root', 'VIA: c', 'Cookie: s=1', 'Accept: */*')).answer();
      expect([answer.body, answer.fields]).toEqual([
        'hi',
        [
          ['X-Keep', 'yes'],
          ['set-cookie', 'a=1'],
          ['Content-Length', '2'],
          ['Strict-Transport-Security', 'max-age=1'],
          ['Set-Cookie', 'b=2'],
        ],
      ]);
      const names = backend.requests[i]!.fields.map(([name, value]) => `${name}: ${value}`);
      expect(names.filter((line) => !/^X-Forwarded-(For|Host)|^X-Request-Id/.test(line))).toEqual([
        'Host: a.test',
        'VIA: c',
        'Accept: */*',
        `X-User: ${Buffer.from('grüße').toString('latin1')}`,
        'X-Forwarded-Proto: https',
        'Via: a',
        'Via: b',
      ]);
    }
  });

  it('change in answers of the route itself, and come with its errors', async () => {
    const headers: Headers = { response: { set: { 'Content-Type': 'application/json', 'X-A': '1' } } };
    const lb = await runFairlead({
      ...webConfig(['127.0.0.1:1'], {
        routes: [
          { match: { path: '/json' }, respond: { body: '{}' }, headers },
          { match: { path: '/away' }, redirect: { to: '/json' }, headers: { response: { add: { Vary: 'Cookie' } } } },
          { match: { path: '/web' }, pool: 'web', headers },
        ],
      }),
    });
    const client = await connectTo(lb.address());
    expect((await client.send(get('/json')).answer()).fields).toEqual([
      ['Content-Type', 'application/json'],
      ['X-A', '1'],
      ['Content-Length', '2'],
    ]);
    expect((await client.send(get('/away')).answer()).fields).toEqual([
      ['Location', '/json'],
      ['Vary', 'Cookie'],
      ['Content-Length', '0'],
    ]);
    const error = await client.send(get('/web')).answer();
    const shown = ['content-type', 'x-a', 'fairlead-error'].map((name) => fieldOf(error, name));
    expect([error.status, ...shown]).toEqual([502, 'text/plain; charset=utf-8', '1', 'backend-failed']);
    expect(fieldOf(await client.send(get('/none')).answer(), 'x-a')).toBe('');
  });

  it('change in a switch of protocols, which stays one', async () => {
    const server = createServer().on('upgrade', (request, socket) => {
      socket.end(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nX-Got: ${request.headers['x-a']}\r\n\r\nhello`,
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    remember({ close: async () => void server.close() });
    const { port } = server.address() as { port: number };
    const headers: Headers = { request: { set: { 'X-A': '1' } }, response: { add: { 'X-B': '2' } } };
    const lb = await runFairlead(webConfig([`127.0.0.1:${port}`], { routes: [{ pool: 'web', headers }] }));
    const client = await connectTo(lb.address());
    await client.send(requestText('GET / HTTP/1.1', ['Connection: Upgrade', 'Upgrade: echo'])).ended();
    expect(client.text).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nX-Got: 1\r\nX-B: 2\r\n\r\nhello',
    );
  });

  it('follow a reload, also on connections that are open', async () => {
    const backend = await startBackend(answerText('hi'));
    const config = (value: string) =>
      webConfig([backend.address], { routes: [{ pool: 'web', headers: { response: { set: { 'X-A': value } } } }] });
    const lb = await runFairlead(config('1'));
    const client = await connectTo(lb.address());
    expect(fieldOf(await client.send(get()).answer(), 'x-a')).toBe('1');
    await lb.reloadWith(config('2'));
    expect(fieldOf(await client.send(get()).answer(), 'x-a')).toBe('2');
  });
});
