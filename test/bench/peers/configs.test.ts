import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { searchPath } from '../../../bench/lib/processes.ts';
import { fairleadConfig } from '../../../bench/peers/fairlead.ts';
import type { PeerSetup } from '../../../bench/peers/peer.ts';
import { peers, peerVersion } from '../../../bench/peers/start.ts';

const directory = mkdtempSync(join(tmpdir(), 'fairlead-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

const setup: PeerSetup = {
  directory,
  l7Port: 41001,
  l4Port: 41002,
  udpPort: 41004,
  adminPort: 41003,
  backends: [
    { name: 'one', port: 42001 },
    { name: 'two', port: 42002 },
  ],
  balance: 'round-robin',
  workers: 1,
  maxFiles: 2000,
  forwarded: false,
  nodeFlags: [],
};

const all = Object.values(peers);

/** Everything a peer is told, in one text. */
function told(name: string, change: Partial<PeerSetup> = {}): string {
  const { command, args, env, files } = peers[name]!.launch({ ...setup, ...change });
  return [command, ...args, JSON.stringify(env), ...Object.values(files)].join('\n');
}

describe('every peer', () => {
  it.each(all.map(({ name }) => name))('%s listens where it is told and knows every backend', (name) => {
    const text = told(name);
    expect(text).toContain('41001');
    expect(text.includes('41002')).toBe(peers[name]!.layers.includes('l4'));
    expect(text.includes('41004')).toBe(peers[name]!.layers.includes('l4-udp'));
    for (const port of ['42001', '42002']) expect(text).toContain(port);
  });

  it.each(all.map(({ name }) => name))('%s is filed under its own name, and only Fairlead counts picks', (name) => {
    expect(peers[name]!.name).toBe(name);
    expect(peers[name]!.countsPicks).toBe(name.startsWith('fairlead'));
  });

  it.each(['fairlead', 'gateway'])('%s takes flags for Node', (name) => {
    const { command, args } = peers[name]!.launch({ ...setup, nodeFlags: ['--inspect=127.0.0.1:0'] });
    expect([command, args[0]]).toEqual([process.execPath, '--inspect=127.0.0.1:0']);
  });

  it.each([
    ['fairlead', 'balance: least-connections', 'balance: round-robin'],
    ['nginx', 'least_conn;', 'least_conn;'],
    ['haproxy', 'balance leastconn', 'balance roundrobin'],
    ['caddy', 'lb_policy least_conn', 'lb_policy round_robin'],
  ])('%s balances as it is told', (name, least, round) => {
    expect(told(name, { balance: 'least-connections' })).toContain(least);
    expect(told(name).includes(round)).toBe(least !== round);
  });

  it.each([
    ['fairlead', /^workers: 3$/m],
    ['nginx', /^worker_processes 3;$/m],
    ['haproxy', /^ {2}nbthread 3$/m],
    ['caddy', /"GOMAXPROCS":"3"/],
  ])('%s has as many workers as it is told', (name, pattern) => {
    expect(told(name, { workers: 3 })).toMatch(pattern);
    expect(told(name)).not.toMatch(pattern);
  });

  it.each([
    ['nginx', ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Request-Id']],
    ['haproxy', ['option forwardfor', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Request-Id']],
    ['caddy', ['X-Request-Id']],
  ])('%s writes the forwarding fields only when told to', (name, fields) => {
    for (const field of fields) {
      expect(told(name, { forwarded: true })).toContain(field);
      expect(told(name)).not.toContain(field);
    }
  });

  it('keeps connections to the backends open and writes no access log, as its users would have it', () => {
    expect(told('nginx')).toMatch(
      /access_log off;[\s\S]*keepalive 256;[\s\S]*proxy_http_version 1.1;[\s\S]*Connection "";/,
    );
    expect(told('haproxy')).toContain('http-reuse always');
    expect(told('haproxy')).not.toMatch(/\blog\b/);
    expect(told('caddy')).toContain('keepalive_idle_conns_per_host 256');
    expect(parse(fairleadConfig(setup)).log).toEqual({ level: 'warn', access: false });
  });

  it('stays within the limit of open files', () => {
    expect(told('nginx')).toContain('worker_connections 1900;');
    expect(told('haproxy').match(/maxconn 900$/gm)).toHaveLength(2);
  });
});

describe('fairleadConfig', () => {
  it('has its listeners on one pool, and its admin address on', () => {
    const config = parse(fairleadConfig(setup));
    expect(config.listeners.l7).toMatchObject({ protocol: 'http', bind: '127.0.0.1:41001', pool: 'apps' });
    expect(config.listeners.l4).toMatchObject({ protocol: 'tcp', bind: '127.0.0.1:41002', pool: 'apps' });
    expect(config.listeners['l4-udp']).toEqual({ protocol: 'udp', bind: '127.0.0.1:41004', pool: 'apps' });
    expect(config.admin).toEqual({ bind: '127.0.0.1:41003' });
    expect(config.pools.apps.backends).toEqual([
      { name: 'one', address: '127.0.0.1:42001' },
      { name: 'two', address: '127.0.0.1:42002' },
    ]);
  });
});

describe('the installed peers accept their configuration', () => {
  const check: Record<string, (file: string) => string[]> = {
    nginx: (file) => ['nginx', '-t', '-p', directory, '-c', file, '-e', `${directory}/error.log`],
    haproxy: (file) => ['haproxy', '-c', '-f', file],
    caddy: (file) => ['caddy', 'validate', '--adapter', 'caddyfile', '--config', file],
  };
  const cases = Object.keys(check).flatMap((name) => [
    { name, forwarded: false, balance: 'round-robin' as const },
    { name, forwarded: true, balance: 'least-connections' as const },
  ]);
  it.each(cases)('$name, forwarded: $forwarded, $balance', ({ name, forwarded, balance }) => {
    const peer = peers[name]!;
    // Where CI runs all of them are installed, so a missing one is a failure there.
    if (peerVersion(peer) === undefined && process.env['CI'] === undefined) return;
    const { files, env } = peer.launch({ ...setup, forwarded, balance });
    const [file, text] = Object.entries(files)[0]!;
    writeFileSync(join(directory, file), text);
    const [command, ...args] = check[name]!(join(directory, file)) as [string, ...string[]];
    const ran = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: searchPath(), ...env } });
    expect(ran.status, ran.stderr).toBe(0);
  });
});

describe('peerVersion', () => {
  it('is the first line of what the peer says, and nothing for one that is not installed', () => {
    expect(peerVersion(peers['fairlead']!)).toBe(`Fairlead on Node ${process.version}`);
    expect(peerVersion(peers['gateway']!)).toMatch(/^fastify 5\./);
    expect(peerVersion({ ...peers['nginx']!, version: ['/no/such/proxy', '-v'] })).toBeUndefined();
    expect(peerVersion({ ...peers['nginx']!, version: [process.execPath, '-e', 'process.exit(1)'] })).toBeUndefined();
  });
});
