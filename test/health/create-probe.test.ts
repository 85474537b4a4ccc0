import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { createProbe } from '../../src/health/create-probe.ts';
import { type HealthChange, HealthMonitor } from '../../src/health/monitor.ts';
import type { ActivePolicy } from '../../src/health/policy.ts';
import { systemClock } from '../../src/support/clock.ts';
import { createResolver, lookupThrough } from '../../src/support/resolve.ts';
import { closeBackends, reasonOf, socketBackend, tcpAt } from './socket-backend.ts';
import { tcpPolicy } from './watch-lab.ts';

afterEach(closeBackends);

const deps = { clock: systemClock, lookup: lookupThrough(createResolver(systemClock)), version: '0.0.0' };
const httpPolicy: ActivePolicy = { ...tcpPolicy(), type: 'http', path: '/', status: [[200, 299]], body: '' };

describe('the probe of a policy', () => {
  const mute = async () => {
    const { to } = await socketBackend((socket) => void socket.resume().on('end', () => socket.end()));
    return tcpAt('localhost', to.address.kind === 'tcp' ? to.address.port : 0);
  };

  test('tcp asks for no more than a connection', async () => {
    await createProbe(tcpPolicy(), deps).check(await mute(), new AbortController().signal);
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
  first.listener.close();
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
