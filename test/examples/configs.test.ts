import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { interpolate } from '../../src/config/interpolate.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { readFiles } from '../gates/source.ts';
import { TestAuthority } from '../support/certificates.ts';
import { askH2, connectH2 } from '../support/h2-client.ts';
import { closeOpened } from '../support/opened.ts';
import { sendAll } from '../support/raw-client.ts';
import { requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { connectTls } from '../support/tls-client.ts';
import { openUdp } from '../support/udp-peer.ts';
import { startAnyBackend } from './any-backend.ts';

/** Gets what comes back for a request that is sent to an address, as text. */
type Send = (address: string) => Promise<string>;

/** What is sent to a listener, and what has to come back. */
type Story = readonly [listener: string, send: Send, comes: RegExp];

const text = (line: string, fields: readonly string[] = [], body = ''): string =>
  requestText(`${line} HTTP/1.1`, ['Connection: close', `Content-Length: ${body.length}`, ...fields], body);

function http(line = 'GET /', fields: readonly string[] = [], body = ''): Send {
  return async (address) => (await sendAll(address, text(line, fields, body))).text;
}

function tls(servername: string, ALPNProtocols = ['http/1.1']): Send {
  return async (address) => {
    const client = await connectTls(address, { servername, ALPNProtocols, rejectUnauthorized: false });
    return (await client.send(text('GET /')).ended()).text;
  };
}

const udp: Send = async (address) => {
  const client = await openUdp();
  client.send(address, 'a question');
  return (await client.until(1))[0]!;
};

function call(path: string): Send {
  return async (address) => (await askH2(await connectH2(address), { ':method': 'POST', ':path': path })).body;
}

/** What is tried of a file beside a plain request to each of its listeners, or in its place. */
const stories: Readonly<Record<string, readonly Story[]>> = {
  'config/canary.yaml': [
    ['web', http('GET /', ['X-Version: next']), /next got \/$/],
    ['web', http('GET /', ['Cookie: version=next']), /next got \/$/],
    ['web', http('POST /'), /current got \/$/],
    ['web', http(), /(current|next) got \/$/],
  ],
  'config/fairlead.yaml': [
    ['web', http('GET /a?b'), /apps got \/a\?b$/],
    ['web', http('GET /ping'), /pong\n$/],
    ['web', http('GET /old/a'), /^HTTP\/1.1 308 /],
    ['raw', http('GET /a'), /apps got \/a$/],
  ],
  'config/grpc.yaml': [['grpc', call('/helloworld.Greeter/SayHello'), /^greeter got \/helloworld.Greeter\/SayHello$/]],
  'config/routing.yaml': [
    ['web', http('GET /shop/items?page=2'), /web got \/items\?page=2$/],
    ['web', http('GET /users/7/orders/42'), /web got \/orders\/42\/of\/7$/],
    ['web', http('GET /old-shop/a/b'), /\r\nLocation: \S*\/shop\/a\/b\r\n/i],
    ['web', http('POST /orders', [], '{"tenant":{"id":"acme"}}'), /acme got \/orders$/],
    ['web', http('GET /status'), /\{"ok":true\}$/],
    ['web', http(), /web got \/$/],
  ],
  'config/sni.yaml': [
    ['secure', tls('shop.eu.example.com'), /europe got \/$/],
    // The route to the database is for 10.0.0.0/8 alone.
    ['secure', tls('db.example.com'), /elsewhere got \/$/],
    ['secure', http(), /elsewhere got \/$/],
  ],
  'config/websocket.yaml': [
    ['web', http('GET /socket.io/?sid=1'), /chat got \/socket.io\/\?sid=1$/],
    ['web', http(), /\r\nSet-Cookie: fl_chat=.*chat got \/$/is],
  ],
  'examples/tls/fairlead.yaml': [
    ['web', tls('localhost'), /web got \/$/],
    ['db', tls('localhost'), /db got \/$/],
  ],
};

/** A plain request to each listener, to be answered by one of the pools. */
function plainStories({ listeners, pools = {} }: ConfigInput): Story[] {
  const comes = new RegExp(`(${Object.keys(pools).join('|')}) got `);
  return Object.entries(listeners).map(([name, { protocol }]) => [name, protocol === 'udp' ? udp : http(), comes]);
}

const examples = readFiles('{config,examples}/**/*.{yaml,yml}').filter((file) => /^listeners:/m.test(file.text));

describe('the example configs', () => {
  let authority: TestAuthority;
  beforeAll(() => {
    authority = new TestAuthority();
    const { certPem, files } = authority.issue('local', { subject: { CN: 'localhost' }, names: ['localhost'] });
    // The examples trust the certificate itself.
    writeFileSync(files.cert, certPem + authority.root.certPem);
  });
  afterAll(closeOpened);

  /** The config with free ports, before backends that are there. */
  async function moved(written: string): Promise<ConfigInput> {
    const files = { cert: join(authority.folder, 'local.pem'), key: join(authority.folder, 'local.key') };
    const here = written.replaceAll(/\blocal\.(pem|key)\b/g, (name) => join(authority.folder, name));
    const config = interpolate(parse(here), { FAIRLEAD_TOKEN: 'a-token' }).value as ConfigInput;
    for (const listener of Object.values(config.listeners)) listener.bind = '127.0.0.1:0';
    if (typeof config.admin === 'object') config.admin.bind = '127.0.0.1:0';
    for (const [name, pool] of Object.entries(config.pools ?? {})) {
      const starting = (pool.backends ?? []).map(async (backend) => {
        const address = await startAnyBackend(name, files);
        return typeof backend === 'string' ? address : { ...backend, address };
      });
      pool.backends = await Promise.all(starting);
    }
    return config;
  }

  async function play(lb: RunningFairlead, [listener, send, comes]: Story): Promise<void> {
    expect(await send(lb.address(listener)), listener).toMatch(comes);
  }

  it('are told of by their stories', () => {
    expect(Object.keys(stories).filter((path) => !examples.some((file) => file.path === path))).toEqual([]);
  });

  it.each(examples)('$path starts and carries requests', async ({ path, text }) => {
    const config = await moved(text);
    const lb = await runFairlead({ ...config, workers: 1 });
    for (const story of stories[path] ?? plainStories(config)) await play(lb, story);
    await lb.close();
  });
});
