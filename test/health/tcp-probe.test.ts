import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { TcpProbe } from '../../src/health/tcp-probe.ts';
import { lookupThrough } from '../../src/support/resolve.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  closeBackends,
  expectAllClosed,
  reasonOf,
  refusing,
  type SocketBackend,
  socketBackend,
  socketPath,
  tcpAt,
  unixAt,
} from './socket-backend.ts';

afterEach(closeBackends);

const names: Record<string, string[]> = { both: ['127.0.0.1', '::1'] };
const resolve = async (host: string) => {
  if (host === 'never') return new Promise<never>(() => undefined);
  if (names[host] === undefined) throw new Error(`name ${host} does not resolve: no such name`);
  return names[host];
};

function tcpProbe() {
  const clock = new FakeClock();
  const probe = new TcpProbe({ clock, lookup: lookupThrough({ resolve }) });
  return { clock, check: probe.check.bind(probe) };
}

const patient = () => new AbortController().signal;

describe('a backend that accepts', () => {
  test.each([
    ['over IPv4', () => '127.0.0.1'],
    ['over IPv6', () => '::1'],
    ['on a Unix socket', socketPath],
  ])('%s is well, and sees a clean end', async (_name, where) => {
    const backend = await socketBackend((socket) => socket.resume().on('end', () => socket.end()), where());
    const { check, clock } = tcpProbe();
    const signal = patient();
    await check(backend.to, signal);
    await expectAllClosed(backend);
    expect(backend.endings).toEqual(['end']);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('by the name it has, at whichever of its addresses', async () => {
    const backend = await socketBackend((socket) => socket.resume().on('end', () => socket.end()), '::1');
    const { address } = backend.to;
    await tcpProbe().check(tcpAt('both', address.kind === 'tcp' ? address.port : 0), patient());
    await expectAllClosed(backend);
  });

  test('on the port of the policy', async () => {
    const backend = await socketBackend((socket) => socket.end().resume());
    const { address } = backend.to;
    const port = address.kind === 'tcp' ? address.port : 0;
    await tcpProbe().check({ address: { kind: 'tcp', host: '127.0.0.1', port: 1 }, port }, patient());
    expect(backend.sockets).toHaveLength(1);
  });

  test('and greets is heard out, so that its greeting never bounces', async () => {
    const backend = await socketBackend((socket) => {
      socket.write('220 ready\r\n');
      socket.resume().on('end', () => socket.end('421 bye\r\n'));
    });
    await tcpProbe().check(backend.to, patient());
    await sleep(20);
    expect(backend.endings).toEqual(['end']);
  });

  test('and keeps its side open is left after 100 ms', async () => {
    const backend = await socketBackend((socket) => socket.resume());
    const { check, clock } = tcpProbe();
    let over = false;
    const checked = check(backend.to, patient()).then(() => (over = true));
    await expectAllClosed(await untilConnected(backend));
    await clock.advance(99);
    expect(over).toBe(false);
    await clock.advance(1);
    await checked;
    expect(clock.pending).toBe(0);
    await expectGone(backend);
  });

  test('and keeps its side open is well also when time runs out meanwhile', async () => {
    const backend = await socketBackend((socket) => socket.resume());
    const deadline = new AbortController();
    const { check, clock } = tcpProbe();
    const checked = check(backend.to, deadline.signal);
    await expectAllClosed(await untilConnected(backend));
    deadline.abort(new Error('no answer within 1s'));
    await checked;
    expect(clock.pending).toBe(0);
    await expectGone(backend);
  });

  test('and resets right after is well: it accepted', async () => {
    const backend = await socketBackend((socket) => socket.resume().on('end', () => socket.resetAndDestroy()));
    await tcpProbe().check(backend.to, patient());
    expect(backend.sockets).toHaveLength(1);
  });
});

describe('a backend that does not', () => {
  test.each(['127.0.0.1', '::1'])('refuses at %s', async (host) => {
    expect(await reasonOf(tcpProbe().check(await refusing(host), patient()))).toBe('connection refused');
  });

  test('refuses at all addresses of its name', async () => {
    const { address } = await refusing();
    const to = tcpAt('both', address.kind === 'tcp' ? address.port : 0);
    expect(await reasonOf(tcpProbe().check(to, patient()))).toBe('connection refused');
  });

  test('has no socket file', async () => {
    const { check, clock } = tcpProbe();
    expect(await reasonOf(check(unixAt(socketPath()), patient()))).toBe('no such socket file');
    expect(clock.pending).toBe(0);
  });

  test('has a name that does not resolve', async () => {
    const reason = 'name gone does not resolve: no such name';
    expect(await reasonOf(tcpProbe().check(tcpAt('gone', 80), patient()))).toBe(reason);
  });

  test('gives no connection in time: the reason is the signal’s, in the same turn', async () => {
    const deadline = new AbortController();
    let reason = '';
    tcpProbe()
      .check(tcpAt('never', 80), deadline.signal)
      .catch((error: Error) => (reason = error.message));
    await new FakeClock().advance(0);
    deadline.abort(new Error('no answer within 1s'));
    for (let hops = 0; hops < 5; hops++) await Promise.resolve();
    expect(reason).toBe('no answer within 1s');
  });

  test('is not tried at all once the signal has aborted', async () => {
    const backend = await socketBackend((socket) => socket.resume());
    const signal = AbortSignal.abort(new Error('no longer watched'));
    expect(await reasonOf(tcpProbe().check(backend.to, signal))).toBe('no longer watched');
    await sleep(20);
    expect(backend.sockets).toHaveLength(0);
  });
});

async function untilConnected<B extends { sockets: unknown[] }>(backend: B): Promise<B> {
  for (let turns = 0; turns < 500 && backend.sockets.length === 0; turns++) await sleep(5);
  return backend;
}

// A socket that is only half closed would take what is sent to it; one that is gone answers with a reset.
async function expectGone({ sockets, endings }: SocketBackend): Promise<void> {
  for (let turns = 0; turns < 500 && !endings.some((ending) => /EPIPE|ECONNRESET/.test(ending)); turns++) {
    sockets[0]?.write('anyone there?');
    await sleep(5);
  }
  expect(endings).toEqual(['end', expect.stringMatching(/EPIPE|ECONNRESET/)]);
}
