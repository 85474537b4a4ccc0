import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { fairleadProxy } from '../../src/fastify/index.ts';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened, remember } from '../support/opened.ts';

afterEach(closeOpened);

describe('fairleadProxy, before a backend with TLS', () => {
  it.each([
    ['app.test', 200],
    ['other.test', 502],
  ])('that must be %s: %d', async (serverName, status) => {
    const authority = new TestAuthority();
    const { cert, key } = authority.for('app.test');
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_in, out) => out.end('ok'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    remember({ close: () => server.close() });
    const app = remember(fastify());
    const backends = [`127.0.0.1:${(server.address() as AddressInfo).port}`];
    const connect = { tls: { ca: authority.root.files.cert, serverName } };
    await app.register(fairleadProxy, { prefix: '/api', pool: { backends, connect, health: { type: 'off' } } });
    expect((await app.inject('/api/')).statusCode).toBe(status);
  });
});
