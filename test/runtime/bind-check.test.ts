import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import type { BindTarget } from '../../src/accept/listen.ts';
import { checkBind, checkNewBinds } from '../../src/runtime/bind-check.ts';
import type { BindPlan } from '../../src/runtime/messages.ts';
import { hostBeforePort } from '../../src/support/address.ts';
import { freePort } from '../support/kept-ports.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

const hasIpv6 = await new Promise<boolean>((resolve) => {
  const server = net.createServer().once('error', () => resolve(false));
  server.listen(0, '::1', () => server.close(() => resolve(true)));
});

async function listenOn(host: string, options: net.ListenOptions = {}): Promise<number> {
  const server = remember(net.createServer().listen({ host, port: 0, ...options }));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Not an address that clients get, of which one might connect to itself. */
const KNOCKED = '127.9.9.9';
/** Connects again and again, from a thread of its own, until it is told to stop. */
const knocker = `
  const { parentPort, workerData } = require('node:worker_threads');
  const count = { accepted: 0, refused: 0 };
  let over = false;
  parentPort.once('message', () => { over = true; });
  const ended = (how) => { count[how]++; if (over) parentPort.postMessage(count); else knock(); };
  const knock = () => {
    const socket = require('node:net').connect(workerData, '${KNOCKED}');
    socket.once('connect', () => { socket.destroy(); ended('accepted'); }).once('error', () => ended('refused'));
  };
  parentPort.postMessage('ready');
  knock();
`;

const bindTo = (to: BindTarget, more: Partial<BindPlan> = {}): BindPlan => ({
  key: JSON.stringify(to),
  listener: 'web',
  to,
  isUdp: false,
  shared: true,
  ...more,
});

const check = (host: string, port: number) => checkBind(bindTo({ host, port }));

const taken = (where: string) => `listener web cannot listen on ${where}: another process listens there`;

describe('checkBind', () => {
  it.each(['127.0.0.1', '0.0.0.0', '::'])('tells of a port of 127.0.0.1 that is taken, asked for %s', async (host) => {
    const port = await listenOn('127.0.0.1');
    await expect(check(host, port)).rejects.toThrow('another process listens there');
    await expect(check('127.0.0.1', port)).rejects.toThrow(taken(`127.0.0.1:${port}`));
  });

  it('tells of one that would share itself', async () => {
    const port = await listenOn('127.0.0.1', { reusePort: true });
    await expect(check('127.0.0.1', port)).rejects.toThrow(taken(`127.0.0.1:${port}`));
  });

  it.runIf(hasIpv6)('tells of one of IPv6', async () => {
    const port = await listenOn('::1');
    await expect(check('::1', port)).rejects.toThrow(taken(`[::1]:${port}`));
    await expect(check('::', port)).rejects.toThrow('another process listens there');
  });

  it('tells of an address that is not here, and of a port that is not allowed', async () => {
    await expect(check('192.0.2.1', 0)).rejects.toThrow('192.0.2.1:0: this machine has no such address');
    await expect(check('nowhere.invalid', 0)).rejects.toThrow('that name has no address');
  });

  it('leaves a free port free, also one on which connections have just ended', async () => {
    const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = net.connect(port, '127.0.0.1').resume();
    await once(client, 'close');
    server.close();
    await once(server, 'close');
    for (let i = 0; i < 3; i++) await check('127.0.0.1', port);
  });

  it('accepts nobody meanwhile', async () => {
    const server = net.createServer().listen(0, KNOCKED);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const worker = new Worker(knocker, { eval: true, workerData: port });
    remember({ close: () => worker.terminate() });
    await once(worker, 'message');
    for (let i = 0; i < 3000; i++) await check(KNOCKED, port);
    worker.postMessage('over');
    const [{ accepted, refused }] = await once(worker, 'message');
    expect(accepted).toBe(0);
    expect(refused).toBeGreaterThan(0);
  });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bind-'));
  remember({ close: async () => rmSync(folder, { recursive: true }) });
  return folder;
}

describe('checkNewBinds', () => {
  const together = (first: BindTarget, second: BindTarget, more: Partial<BindPlan> = {}, before?: BindTarget) => {
    const binds = [bindTo(first), bindTo(second, { listener: 'api', ...more })];
    return checkNewBinds({ binds }, before === undefined ? undefined : { binds: [bindTo(before)] });
  };

  it('refuses two names of one address', async () => {
    const port = await freePort();
    const { address } = await lookup('localhost');
    const [name, ip] = [`localhost:${port}`, `${hostBeforePort(address)}:${port}`];
    const [byName, byIp] = [
      { host: 'localhost', port },
      { host: address, port },
    ];
    await expect(together(byName, byIp)).rejects.toThrow(
      `listener web cannot listen on ${name}: listener api has ${ip}, which is the same address`,
    );
    await expect(together(byName, byIp, {}, byName)).rejects.toThrow(
      `listener api cannot listen on ${ip}: listener web has ${name}, which is the same address`,
    );
    await expect(together({ host: '127.0.0.1', port }, { host: '::ffff:7f00:1', port })).rejects.toThrow('the same');
    await together(byName, byIp, { isUdp: true, shared: false });
    await together({ ...byName, port: 0 }, { ...byIp, port: 0 });
    await together(byName, { host: '127.0.0.9', port });
  });

  it('refuses two ways to one Unix socket', async () => {
    const folder = temporaryFolder();
    symlinkSync(folder, join(folder, 'link'));
    const paths = [{ path: join(folder, 'a.sock') }, { path: join(folder, 'link', 'a.sock') }] as const;
    await expect(together(...paths)).rejects.toThrow(
      `listener web cannot listen on unix:${paths[0].path}: listener api has unix:${paths[1].path}, which is the same address`,
    );
    await together(paths[0], { path: join(folder, 'b.sock') });
  });

  it('lets a bind be had beside those of this process that it shares a port with, and beside no other', async () => {
    const port = await listenOn('127.0.0.1', { reusePort: true });
    const own = { host: '127.0.0.1', port };
    const moveTo = (to: BindTarget, before: BindTarget, more: Partial<BindPlan> = {}) =>
      checkNewBinds({ binds: [bindTo(to, more)] }, { binds: [bindTo(before, more)] });
    const wider = hasIpv6 ? ['::', '0.0.0.0', '::ffff:7f00:1', 'localhost'] : ['0.0.0.0', 'localhost'];
    for (const host of wider) await moveTo({ host, port }, own);
    await expect(moveTo({ host: '0.0.0.0', port }, { host: '127.0.0.9', port: 1 })).rejects.toThrow('another process');
    await expect(moveTo({ host: '0.0.0.0', port }, { host: '::1', port })).rejects.toThrow('another process');
    const taken = await listenOn('127.0.0.9');
    const beside = moveTo({ host: '0.0.0.0', port: taken }, { host: '127.0.0.1', port: taken });
    await expect(beside).rejects.toThrow(`0.0.0.0:${taken}: another process listens there`);
    await expect(moveTo({ host: '::', port }, own, { shared: false })).rejects.toThrow(
      `listener web cannot listen on [::]:${port}: ` +
        `Fairlead itself has 127.0.0.1:${port}, which a reload before this one must take away`,
    );
    const nowhere = { host: '192.0.2.1', port };
    await expect(moveTo(nowhere, { host: '::', port })).rejects.toThrow('this machine has no such address');
  });

  it('tells of a UDP port and a Unix socket of this process, which it cannot share', async () => {
    const { address } = await openUdp();
    const port = Number(address.split(':')[1]);
    const udp = { isUdp: true, shared: false };
    const moved = (to: BindTarget, before: BindTarget, more: Partial<BindPlan>) =>
      checkNewBinds({ binds: [bindTo(to, more)] }, { binds: [bindTo(before, more)] });
    await expect(moved({ host: '::', port }, { host: '127.0.0.1', port }, udp)).rejects.toThrow('Fairlead itself has');
    const folder = temporaryFolder();
    const path = join(folder, 'a.sock');
    const server = remember(net.createServer().listen({ path }));
    await once(server, 'listening');
    const other = { path: `${folder}/../${basename(folder)}/a.sock` };
    const link = { path: `${folder}//a.sock` };
    for (const to of [other, link])
      await expect(moved(to, { path }, { shared: false })).rejects.toThrow(`Fairlead itself has unix:${path}`);
  });

  it('leaves a name alone that has no address', async () => {
    const nowhere = { host: 'nowhere.invalid', port: 1 };
    await expect(together(nowhere, nowhere)).rejects.toThrow('that name has no address');
  });
});
