import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { createProbe } from '../../src/health/create-probe.ts';
import { type HealthChange, HealthMonitor } from '../../src/health/monitor.ts';
import type { ActivePolicy, ProbeConnect } from '../../src/health/policy.ts';
import type { Endpoint } from '../../src/health/probe.ts';
import { systemClock } from '../../src/support/clock.ts';
import { createResolver, lookupThrough } from '../../src/support/resolve.ts';
import { retire } from '../support/kept-ports.ts';
import { closeOpened } from '../support/opened.ts';
import { openUdp } from '../support/udp-peer.ts';
import { closeBackends, reasonOf, socketBackend, tcpAt } from './socket-backend.ts';
import { tcpPolicy } from './watch-lab.ts';

afterEach(closeBackends);
afterEach(closeOpened);

const deps = { clock: systemClock, lookup: lookupThrough(createResolver(systemClock)), version: '0.0.0' };
const httpPolicy: ActivePolicy = { ...tcpPolicy(), type: 'http', path: '/', status: [[200, 299]], body: '' };

const portOf = ({ address }: Endpoint) => (address.kind === 'tcp' ? address.port : 0);
const patient = new AbortController().signal;

describe('the probe of a policy', () => {
  const mute = async () => {
    const { to } = await socketBackend((socket) => void socket.resume().on('end', () => socket.end()));
    return tcpAt('localhost', portOf(to));
  };

  test('tcp asks for no more than a connection', async () => {
    await createProbe(tcpPolicy(), deps).check(await mute(), new AbortController().signal);
  });

  test.each(['tcp', 'http', 'grpc', 'udp'] as const)('%s comes from the address it is told to', async (type) => {
    const local = '127.0.0.5';
    const from: (string | undefined)[] = [];
    const { to } = await socketBackend((socket) => void from.push(socket.end().remoteAddress));
    const datagrams = await openUdp(() => ['']);
    const policy = { ...httpPolicy, type, send: 'a', expect: '' } as ActivePolicy;
    const port = type === 'udp' ? Number(datagrams.address.split(':')[1]) : portOf(to);
    const tls = { id: '', ca: '', cert: '', key: '', serverName: '', verify: false };
    const ways: ProbeConnect[] = [{ local }, { local, opening: () => Buffer.from('a') }, { local, tls }];
    for (const connect of ways) {
      // Localhost has an address of IPv6 too.
      const check = createProbe(policy, deps, connect).check(tcpAt('localhost', port), AbortSignal.timeout(5000));
      await check.catch(() => undefined);
    }
    from.push(...datagrams.from.map((each) => each.split(':')[0]));
    expect(from).toEqual([local, local, local]);
  });

  test.each(['tcp', 'udp'] as const)('%s finds no way to an address of the other family', async (type) => {
    const policy = { ...httpPolicy, type, send: 'a', expect: '' } as ActivePolicy;
    const lookup = lookupThrough({ resolve: async () => ['127.0.0.1'] });
    const check = createProbe(policy, { ...deps, lookup }, { local: '::1' }).check(tcpAt('web.test', 1), patient);
    expect(await reasonOf(check)).toBe('web.test has no IPv6 address to reach from ::1');
    const failing = lookupThrough({ resolve: () => Promise.reject(new Error('no such name')) });
    const lost = createProbe(policy, { ...deps, lookup: failing }, { local: '::1' }).check(tcpAt('a', 1), patient);
    expect(await reasonOf(lost)).toBe('no such name');
  });

  test('http asks for an answer', async () => {
    const deadline = AbortSignal.timeout(100);
    expect(await reasonOf(createProbe(httpPolicy, deps).check(await mute(), deadline))).toMatch(/timeout/);
  });
});

test('a real backend that dies and comes back is seen to, on real time', async () => {
  const serve = () => socketBackend((socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n')));
  const first = await serve();
  const { address } = first.to;
  const changes: HealthChange[] = [];
  let heard = Promise.withResolvers<void>();
  const monitor = new HealthMonitor({
    clock: systemClock,
    random: Math.random,
    probeFor: (policy) => createProbe(policy, deps),
    onChange: (change) => {
      changes.push(change);
      heard.resolve();
      heard = Promise.withResolvers();
    },
  });
  const policy = { ...httpPolicy, interval: 60, timeout: 500 };
  monitor.set([{ key: 'pool/a', address, policy }]);
  await monitor.settled();
  expect(monitor.state('pool/a')).toMatchObject({ status: 'up', reason: 'http check passed' });
  await retire(first.listener);
  await heard.promise;
  first.listener.listen(address.kind === 'tcp' ? { host: address.host, port: address.port } : {});
  await once(first.listener, 'listening');
  await heard.promise;
  monitor.close();
  expect(changes.map(({ status, reason }) => `${status}: ${reason}`)).toEqual([
    'up: http check passed',
    'down: connection refused',
    'up: http check passed',
  ]);
});
