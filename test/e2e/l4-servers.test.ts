import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { fieldOf } from '../support/http-text.ts';
import { freePort } from '../support/kept-ports.ts';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { dnsmasqArgs, has, run, startServer } from '../support/servers.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-l4-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(closeOpened);

async function startHaproxy(name: string, port: number, text: string): Promise<void> {
  const file = join(folder, `${name}.cfg`);
  await writeFile(
    file,
    `defaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n${text}\n`,
  );
  await startServer('haproxy', ['-db', '-f', file], port);
}

/** The directive that loads nginx's stream module, which Debian has as a file; '' where it is built in. */
const loadStream = existsSync('/usr/lib/nginx/modules/ngx_stream_module.so')
  ? 'load_module /usr/lib/nginx/modules/ngx_stream_module.so;'
  : '';

async function startNginxStream(name: string, port: number, text: string): Promise<void> {
  const file = join(folder, `${name}.conf`);
  const own = `pid ${join(folder, `${name}.pid`)}; error_log /dev/null; events {}`;
  await writeFile(file, `${loadStream} daemon off; master_process off; ${own} stream { ${text} }\n`);
  await startServer('nginx', ['-p', folder, '-c', file], port);
}

async function startNginx(name: string, port: number, text: string): Promise<void> {
  const file = join(folder, `${name}.conf`);
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, `${name}-${kind}`)};`,
  );
  await writeFile(
    file,
    `daemon off; master_process off; pid ${join(folder, `${name}.pid`)}; error_log /dev/null; events {}\nhttp { access_log off; ${temp.join(' ')}\n${text}\n}\n`,
  );
  await startServer('nginx', ['-p', folder, '-c', file], port);
}

const curl = async (...args: string[]) => (await run('curl', ['--silent', '--max-time', '10', ...args])).stdout;

describe.skipIf(skipsWithout(has('haproxy', 'curl')))("HAProxy's PROXY headers", () => {
  it.each(['send-proxy', 'send-proxy-v2'])('are taken: %s', async (option) => {
    const backend = await startBackend(answerText('ok'));
    const lb = await runFairlead(webConfig([backend.address], { proxyProtocol: true }));
    const port = await freePort();
    const server = `server lb ${lb.address()} ${option} check inter 100ms ${option === 'send-proxy' ? '' : 'proxy-v2-options crc32c,unique-id'}`;
    await startHaproxy(option, port, `listen in\n  bind 127.0.0.1:${port}\n  ${server}`);
    await eventually(async () => (await curl(`http://127.0.0.1:${port}/`)) === 'ok', 'an answer');
    expect(fieldOf(backend.requests[0]!, 'x-forwarded-for')).toBe('127.0.0.1');
  });

  it.each(['v1', 'v2'] as const)('are sent as it wants them: %s', async (version) => {
    const port = await freePort();
    await startHaproxy(
      `accept-${version}`,
      port,
      `frontend in\n  bind 127.0.0.1:${port} accept-proxy\n  http-request return status 200 content-type text/plain lf-string "%[src] %[dst_port]"`,
    );
    const health = { type: 'http', path: '/' } as const;
    const lb = await runFairlead(webConfig([`127.0.0.1:${port}`], {}, { connect: { proxyProtocol: version }, health }));
    const mine = lb.address().split(':')[1];
    for (let i = 0; i < 2; i++) expect(await curl(`http://${lb.address()}/`)).toBe(`127.0.0.1 ${mine}`);
  });
});

describe.skipIf(skipsWithout(has('nginx', 'curl')))('nginx', () => {
  it.each(['v1', 'v2'] as const)('reads the PROXY headers that are sent to it: %s', async (version) => {
    const port = await freePort();
    await startNginx(
      `proxy-${version}`,
      port,
      `server { listen 127.0.0.1:${port} proxy_protocol; location / { return 200 "$proxy_protocol_addr $proxy_protocol_server_port"; } }`,
    );
    const lb = await runFairlead({
      listeners: { raw: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'web' } },
      pools: {
        web: { backends: [`127.0.0.1:${port}`], health: { type: 'http' }, connect: { proxyProtocol: version } },
      },
    });
    expect(await curl(`http://${lb.address('raw')}/`)).toBe(`127.0.0.1 ${lb.address('raw').split(':')[1]}`);
  });

  it('reads them in its stream module too, and sends them from there to http and tcp listeners', async () => {
    const [entry, exit, http] = [await freePort(), await freePort(), await freePort()];
    await startNginxStream(
      'stream',
      exit,
      `server { listen 127.0.0.1:${exit} proxy_protocol; return "$proxy_protocol_addr $proxy_protocol_port"; }`,
    );
    const backend = await startBackend(answerText('ok'));
    const tcp = { protocol: 'tcp' as const, bind: '127.0.0.1:0', proxyProtocol: true, pool: 'stream' };
    const web = { protocol: 'http' as const, bind: '127.0.0.1:0', proxyProtocol: true, pool: 'web' };
    const health = { type: 'off' as const };
    const lb = await runFairlead({
      listeners: { tcp, web },
      pools: {
        stream: { backends: [`127.0.0.1:${exit}`], health, connect: { proxyProtocol: 'v2' } },
        web: { backends: [backend.address], health },
      },
    });
    const server = (port: number, name: string) =>
      `server { listen 127.0.0.1:${port}; proxy_pass ${lb.address(name)}; proxy_protocol on; }`;
    await startNginxStream('senders', entry, `${server(entry, 'tcp')} ${server(http, 'web')}`);
    const socket = net.connect(entry, '127.0.0.1');
    await once(socket, 'connect');
    const { localPort } = socket;
    let said = '';
    for await (const chunk of socket) said += chunk;
    // The address and the port of this very socket have gone through nginx, Fairlead, and nginx again.
    expect(said).toBe(`127.0.0.1 ${localPort}`);
    expect(await curl('--interface', '127.0.0.3', `http://127.0.0.1:${http}/`)).toBe('ok');
    expect(fieldOf(backend.requests[0]!, 'x-forwarded-for')).toBe('127.0.0.3');
  });

  it('ends the TLS that is routed to it by SNI', async () => {
    const authority = new TestAuthority();
    const ports = [await freePort(), await freePort()];
    for (const [index, name] of ['a.test', 'b.test'].entries()) {
      const { cert, key } = authority.for(name);
      const port = ports[index]!;
      await startNginx(
        name,
        port,
        `server { listen 127.0.0.1:${port} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; location / { return 200 "${name} $ssl_protocol"; } }`,
      );
    }
    const health = { type: 'off' as const };
    const lb = await runFairlead({
      listeners: {
        tls: {
          protocol: 'tcp',
          bind: '127.0.0.1:0',
          routes: [
            { match: { sni: 'a.test' }, pool: 'a' },
            { match: { sni: '*.test' }, pool: 'b' },
          ],
        },
      },
      pools: {
        a: { backends: [`127.0.0.1:${ports[0]}`], health },
        b: { backends: [`127.0.0.1:${ports[1]}`], health },
      },
    });
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, authority.root.certPem);
    const port = lb.address('tls').split(':')[1];
    const ask = (name: string) =>
      curl('--cacert', ca, '--resolve', `${name}:${port}:127.0.0.1`, `https://${name}:${port}/`);
    expect(await ask('a.test')).toMatch(/^a\.test TLSv1\.[23]$/);
    expect(await ask('b.test')).toMatch(/^b\.test TLSv1\.[23]$/);
    await expect(ask('c.example')).rejects.toMatchObject({ code: 35 });
  });
});

describe.skipIf(skipsWithout(has('dnsmasq', 'dig')))('dnsmasq', () => {
  it('is asked by dig, over UDP and TCP, one server after the other', async () => {
    const ports = [await freePort(), await freePort()];
    for (const [index, port] of ports.entries()) {
      await startServer('dnsmasq', dnsmasqArgs(port, `/app.test/10.0.0.${index + 1}`), port);
    }
    const lb = await runFairlead({
      listeners: {
        udp: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'dns' },
        tcp: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'dns' },
      },
      pools: { dns: { backends: ports.map((port) => `127.0.0.1:${port}`) } },
    });
    const dig = async (listener: string, ...more: string[]) => {
      const port = lb.address(listener).split(':')[1]!;
      const { stdout } = await run('dig', ['@127.0.0.1', '-p', port, '+short', '+tries=1', ...more, 'app.test']);
      return stdout.trim();
    };
    const answers = [await dig('udp'), await dig('udp'), await dig('udp'), await dig('udp')];
    expect(answers.toSorted()).toEqual(['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.2']);
    expect(await dig('tcp', '+tcp')).toMatch(/^10\.0\.0\.[12]$/);
  });

  it('is probed over UDP by what it answers, and gets no queries once it is dead', async () => {
    const ports = [await freePort(), await freePort(), await freePort()];
    const servers = [];
    for (const [index, port] of ports.entries()) {
      // The third one knows another name only, so that it answers the probe, and with an error.
      const name = index === 2 ? 'other.test' : 'app.test';
      servers.push(await startServer('dnsmasq', dnsmasqArgs(port, `/${name}/10.0.0.${index + 1}`), port));
    }
    const query = String.raw`\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03app\x04test\0\0\x01\0\x01`;
    const expected = String.raw`~^\x12\x34[\x80-\xff][\x00\x80]`;
    const timing = { interval: '50ms', timeout: '1s', rise: 1, fall: 1 };
    const lb = await runFairlead({
      admin: { bind: '127.0.0.1:0' },
      listeners: { udp: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'dns' } },
      pools: {
        dns: {
          backends: ports.map((port) => `127.0.0.1:${port}`),
          health: { type: 'udp', send: query, expect: expected, ...timing },
        },
      },
    });
    const states = async () => {
      const pool = (await (await fetch(`http://${lb.adminAddresses[0]}/api/pools/dns`)).json()) as {
        backends: { health: string; healthReason: string }[];
      };
      return pool.backends;
    };
    expect((await states()).map(({ health }) => health)).toEqual(['up', 'up', 'down']);
    expect((await states())[2]!.healthReason).toContain('the answer does not match');
    const dig = async () => {
      const port = lb.address('udp').split(':')[1]!;
      const { stdout } = await run('dig', ['@127.0.0.1', '-p', port, '+short', '+tries=1', 'app.test']);
      return stdout.trim();
    };
    expect([await dig(), await dig()].toSorted()).toEqual(['10.0.0.1', '10.0.0.2']);
    servers[0]!.kill('SIGKILL');
    await eventually(async () => (await states())[0]!.health === 'down', 'the end of the first server to be seen');
    for (let i = 0; i < 4; i++) expect(await dig()).toBe('10.0.0.2');
  });
});
