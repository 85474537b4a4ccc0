import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type ApartFairlead, runApart } from '../support/apart.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import { startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

const MORE_FILES = 40;
const CLIENTS = 100;

const filesOf = (lb: ApartFairlead): number => readdirSync(`/proc/${lb.pid}/fd`).length;

/** Before backends that are not probed. */
const configOf = (protocol: 'http' | 'tcp' | 'udp', backends: string[], ioUring: boolean): ConfigInput => {
  const listener = { protocol, bind: '127.0.0.1:0', pool: 'back' };
  const idle = protocol === 'udp' ? { timeouts: { idle: '1s' } } : {};
  const pools = { back: { backends, health: { type: 'off' as const } } };
  return { ioUring, listeners: { web: { ...listener, ...idle } as never }, pools };
};

/** A Fairlead that can open some files more than it has now. */
async function short(protocol: 'http' | 'tcp' | 'udp', backends: string[], ioUring: boolean) {
  const lb = await runApart(configOf(protocol, backends, ioUring));
  const before = filesOf(lb);
  spawnSync('prlimit', [`--pid=${lb.pid}`, `--nofile=${before + MORE_FILES}`]);
  return { lb, hasFilesAgain: () => eventually(() => filesOf(lb) < before + MORE_FILES / 2, 'files') };
}

const failures = (lb: ApartFairlead) => metric(lb, 'backend_failures_total', { pool: 'back' });
const refused = (lb: ApartFairlead) => metric(lb, 'refusals_total', { listener: 'web', reason: 'out-of-files' });

describe.each([false, true])('without a file for a connection to a backend, ioUring: %s', (ioUring) => {
  it('a client of L4 is reset, and no backend has failed', async () => {
    const peers = await Promise.all([1, 2].map(() => startPeer((socket) => socket.pipe(socket))));
    const { lb, hasFilesAgain } = await short(
      'tcp',
      peers.map(({ address }) => address),
      ioUring,
    );
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connectTo(lb.address)));
    for (const client of clients) client.send('hello');
    const isReset = (client: RawClient): boolean => client.ending === 'reset';
    await eventually(() => clients.some(isReset), 'a reset');
    for (const client of clients) client.reset();
    await hasFilesAgain();
    await eventually(async () => (await refused(lb)) > 0, 'the reason');
    expect(await failures(lb)).toBe(0);
  });

  it('a request gets 503, and no backend has failed', async () => {
    const backends = await Promise.all([1, 2].map(() => startBackend()));
    const { lb, hasFilesAgain } = await short(
      'http',
      backends.map(({ address }) => address),
      ioUring,
    );
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connectTo(lb.address)));
    for (const client of clients) client.send(get());
    await eventually(() => clients.some(({ text }) => text.includes('no more files can be opened')), 'an error');
    expect(clients.find(({ text }) => text.includes('no more files'))!.text).toMatch(/^HTTP\/1\.1 503 /);
    for (const client of clients) client.reset();
    await hasFilesAgain();
    expect(await failures(lb)).toBe(0);
    expect(await refused(lb)).toBeGreaterThan(0);
  });

  it('a flow loses its datagram, the others stay, and no backend has failed', async () => {
    const backends = await Promise.all([1, 2].map(() => openUdp((datagram) => [datagram])));
    const { lb, hasFilesAgain } = await short(
      'udp',
      backends.map(({ address }) => address),
      ioUring,
    );
    const old = await openUdp();
    old.send(lb.address, '0');
    await old.until(1);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openUdp()));
    for (const client of clients) client.send(lb.address, 'hello');
    await eventually(() => clients.filter(({ got }) => got.length > 0).length > 5, 'answers to some');
    old.send(lb.address, '1');
    await old.until(2);
    await hasFilesAgain();
    await eventually(async () => (await refused(lb)) > 0, 'the reason');
    expect(await failures(lb)).toBe(0);
    expect(backends.filter(({ from }) => from.length > 0)).toHaveLength(2);
  });
});

/** A Fairlead that was started with few files, with as many clients as make them short. */
async function crowded(protocol: 'http' | 'tcp', backend: string, ioUring: boolean) {
  const lb = await runApart(configOf(protocol, [backend], ioUring), 160);
  const clients = await Promise.all(Array.from({ length: 200 }, () => connectTo(lb.address)));
  const ending = (how: RawClient['ending']): number => clients.filter((client) => client.ending === how).length;
  return { lb, clients, ending };
}

describe.each([false, true])('with few files left, ioUring: %s', (ioUring) => {
  it('new clients of L4 are reset and counted, and those that there are go on', async () => {
    const peer = await startPeer((socket) => socket.pipe(socket));
    const { lb, clients, ending } = await crowded('tcp', peer.address, ioUring);
    for (const client of clients) client.send('hello');
    await eventually(() => clients.filter(({ text }) => text === 'hello').length + ending('reset') === 200, 'all ends');
    expect(ending('reset')).toBeGreaterThan(100);
    expect(ending('reset')).toBeLessThan(190);
    expect(await refused(lb)).toBe(ending('reset'));
    expect(lb.log()).toContain('"error":"EMFILE","msg":"clients are refused, to keep some files"');
    for (const client of clients) client.reset();
    await eventually(() => filesOf(lb) < 80, 'files');
    const later = await connectTo(lb.address);
    later.send('again');
    await eventually(() => later.text === 'again', 'an answer');
  });

  it('clients of http are reset, and the others get an answer, if not of a backend', async () => {
    const backend = await startBackend();
    const { lb, clients, ending } = await crowded('http', backend.address, ioUring);
    await eventually(() => ending('reset') > 0, 'a reset');
    for (const client of clients) client.send(get());
    const answered = (status: number) => clients.filter(({ text }) => text.startsWith(`HTTP/1.1 ${status}`)).length;
    await eventually(() => answered(200) + answered(503) + ending('reset') === 200, 'all answers');
    expect(answered(200)).toBeGreaterThan(5);
    const turnedAway = answered(503) + ending('reset');
    for (const client of clients) client.reset();
    await eventually(() => filesOf(lb) < 140, 'files');
    expect(await refused(lb)).toBe(turnedAway);
    expect(await failures(lb)).toBe(0);
  });
});
