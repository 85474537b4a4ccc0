import { afterEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { explainRequest } from '../../src/runtime/explain/explain.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { startBackend } from '../support/recording-backend.ts';
import { runFairlead, webConfig } from '../support/running.ts';

afterEach(closeOpened);

describe('an explanation', () => {
  it('says what a backend really gets, and what is really refused', async () => {
    const backend = await startBackend();
    const config = webConfig([backend.address], {
      trustProxies: ['127.0.0.1'],
      routes: [
        { match: { path: '/v1/*' }, pool: 'web', rewrite: { stripPrefix: '/v1', host: 'api.internal' } },
        { match: { body: { contains: 'acme' } }, pool: 'web', headers: { request: { set: { 'X-Tenant': 'acme' } } } },
        { match: { path: '~^/f-(.*)$' }, pool: 'web', rewrite: { path: '/files/$1' } },
        { match: { path: '/plain', header: { 'x-a': '1' } }, pool: 'web' },
      ],
    });
    const lb = await runFairlead(config);
    const requests = [
      { url: '/v1/a%2Fb/%7ec?x=/v1/y', headers: { 'X-Forwarded-For': '192.0.2.1' } },
      { url: '/v1' },
      { url: '/x', body: 'of acme', headers: { 'x-tenant': 'forged' } },
      { url: '/plain', headers: { 'X-A': '1', Connection: 'close, X-B', 'X-B': 'gone' } },
      { url: '/plain', method: 'PUT', headers: { 'x-a': '2' } },
      { url: '/f-../secret' },
      { url: '/v1/..%2fplain' },
    ];
    for (const request of requests) {
      const explained = explainRequest(configSchema.parse(config), {
        ...request,
        url: `http://${lb.address()}${request.url}`,
      });
      if (!explained.ok) throw new Error(explained.problem);
      const { outcome, backendHead, refusal } = explained.explanation;
      const { method = request.body === undefined ? 'GET' : 'POST', headers = {}, body } = request;
      const fields = { Host: lb.address(), ...headers, ...(body && { 'Content-Length': String(body.length) }) };
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
      const client = await connectTo(lb.address());
      const { status } = await client
        .send(`${method} ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`)
        .answer();
      const got = backend.text
        .split('\r\n\r\n')[0]!
        .replaceAll('\r\n', '\n')
        .replace(/(?<=X-Request-Id: ).*/, '(a new id)');
      expect({ url: request.url, status, head: got }).toEqual({
        url: request.url,
        status: outcome === 'matched' ? 200 : (refusal?.status ?? 404),
        head: backendHead ?? '',
      });
      backend.forget();
    }
  });
});
