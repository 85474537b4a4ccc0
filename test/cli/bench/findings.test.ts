import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { PoolStatus } from '../../../src/admin/schema.ts';
import { type Loads, limitOf, loadsOf, spreadsOf } from '../../../src/cli/bench/findings.ts';
import { joined, partsOf } from '../../../src/cli/bench/generate.ts';
import { Latencies } from '../../../src/cli/bench/latencies.ts';
import { samplesOf } from '../../../src/cli/bench/metrics-text.ts';
import type { Look } from '../../../src/cli/bench/observe.ts';
import { cpuMs, cpuOfPorts, listeners } from '../../../src/cli/bench/port-cpu.ts';

function backend(id: string, more: Partial<PoolStatus['backends'][number]> = {}): PoolStatus['backends'][number] {
  const counts = { active: 0, total: 0, failures: 0, latencyMs: { p50: null, p99: null } };
  return {
    id,
    address: `${id}:80`,
    weight: 1,
    effectiveWeight: 1,
    state: 'enabled',
    health: 'up',
    healthReason: '',
    ...counts,
    ...more,
  };
}

function lookAt(n: 0 | 1, picks: Record<string, number>, backends: PoolStatus['backends']): Look {
  const pools = [
    { name: 'web', algorithm: 'p2c', healthy: 1, active: 0, backends },
    { name: 'idle', algorithm: 'p2c', healthy: 1, active: 0, backends },
  ] as readonly Partial<PoolStatus>[] as readonly PoolStatus[];
  return {
    atMs: n * 2000,
    machine: { busyMs: n * 3000, idleMs: n * 1000 },
    fairlead: {
      cpuS: n * 2,
      workers: 2,
      retries: 0,
      waits: n * 7,
      busiestWorker: n === 0 ? undefined : 0.6,
      pools,
      picks: new Map([['web', new Map(Object.entries(picks))]]),
      backends: new Map([['a:80', n * 1900]]),
    },
  };
}

describe('the spread', () => {
  const backends = [
    backend('a', { weight: 3 }),
    backend('b'),
    backend('down', { health: 'down' }),
    backend('out', { state: 'draining' }),
  ];
  const before = lookAt(0, { a: 100, b: 50 }, backends);
  const after = lookAt(1, { a: 170, b: 80 }, backends);

  it('holds the picks of each backend against its weight', () => {
    expect(spreadsOf(before, after)).toEqual([
      {
        pool: 'web',
        algorithm: 'p2c',
        picks: 100,
        fairnessError: (0.3 - 0.25) / 0.25,
        backends: [
          { id: 'a', picks: 70, share: 0.7, expected: 0.75, busy: 0.95 },
          { id: 'b', picks: 30, share: 0.3, expected: 0.25, busy: null },
          { id: 'down', picks: 0, share: 0, expected: 0, busy: null },
          { id: 'out', picks: 0, share: 0, expected: 0, busy: null },
        ],
      },
    ]);
    expect(spreadsOf({ ...before, fairlead: undefined }, after)).toEqual([]);
  });

  it('and how busy everything was are parts of what there is', () => {
    expect(loadsOf(before, after, 0.5)).toEqual({
      generator: 0.5,
      fairlead: 0.5,
      busiestWorker: 0.6,
      backends: 0.95,
      machine: 0.75,
      waits: 7,
    });
    expect(loadsOf({ ...before, fairlead: undefined }, { ...after, fairlead: undefined }, 0.5)).toEqual({
      generator: 0.5,
      fairlead: null,
      busiestWorker: null,
      backends: null,
      machine: 0.75,
      waits: 0,
    });
  });
});

describe('the limit', () => {
  const calm: Loads = { generator: 0.2, fairlead: 0.2, busiestWorker: 0.3, backends: null, machine: 0.4, waits: 0 };
  const reached = { perSecond: 1000, rate: undefined, connections: 10 };

  it.each([
    [{}, {}, 'connections', 'so all 10 connections waited for the backends'],
    [{ generator: 0.97 }, {}, 'generator', '97.0 % of a core'],
    [{ fairlead: 0.9 }, {}, 'fairlead', '90.0 % of the cores'],
    [{ backends: 0.99 }, {}, 'backends', 'a backend: 99.0 % of a core'],
    [{ waits: 3 }, {}, 'backends', 'at its maxConnections 3 times'],
    [{ busiestWorker: 0.99 }, {}, 'fairlead', 'one worker of Fairlead: its event loop was 99.0 % busy'],
    [{ machine: 0.99 }, {}, 'machine', 'the machine: 99.0 %'],
    [{ generator: 0.97 }, { rate: 1000 }, 'rate', 'was reached'],
    [{ machine: 0.99 }, { rate: 2000 }, 'machine', '99.0 %'],
  ] as const)('of %j, %j is %s', (loads, more, part, why) => {
    expect(limitOf({ ...calm, ...loads }, { ...reached, ...more })).toEqual({
      part,
      why: expect.stringContaining(why),
    });
  });
});

describe('what is read', () => {
  it('of metrics are the samples of one of them', () => {
    const text = [
      '# TYPE a_total counter',
      'a_total{pool="x\\"y",backend="[::1]:80"} 3',
      'a_total 4 1700000000',
      'a_total_more{pool="x"} 5',
      'a_total{} 1e3',
    ].join('\n');
    expect(samplesOf(text, 'a_total')).toEqual([
      { labels: { pool: 'x"y', backend: '[::1]:80' }, value: 3 },
      { labels: {}, value: 4 },
      { labels: {}, value: 1000 },
    ]);
  });

  it('of /proc are listening ports and the time of a process', () => {
    const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0
   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0`;
    expect(listeners(table)).toEqual([[8080, '4242']]);
    expect(cpuMs(`7 (a (b) c) S 1 ${Array(9).fill('0').join(' ')} 120 30 0 0`)).toBe(1500);
    expect(cpuMs('')).toBe(0);
  });

  it('of processes is what listens on this machine', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((open) => server.once('listening', open));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const found = await cpuOfPorts([address, '192.0.2.1:80', 'unix:/x']);
    server.close();
    if (process.platform !== 'linux') return;
    expect([...found.keys()]).toEqual([address]);
    expect(found.get(address)).toBeGreaterThan(0);
  });
});

describe('several processes', () => {
  const spec = { url: '', method: 'GET', headers: {}, body: undefined, durationMs: 1, warmUpMs: 0, timeoutMs: 1 };

  it('share the connections and the rate', () => {
    expect(
      partsOf({ ...spec, connections: 7, rate: 30 }, 3).map(({ connections, rate }) => [connections, rate]),
    ).toEqual([
      [3, 10],
      [2, 10],
      [2, 10],
    ]);
    expect(partsOf({ ...spec, connections: 2, rate: undefined }, 3)).toHaveLength(2);
  });

  it('are counted as one', () => {
    const one = new Latencies();
    one.record(1);
    const result = { answered: 1, statuses: { 200: 1 }, failures: { x: 1 }, bytes: 10, latencies: one.counts };
    const both = joined([
      { ...result, durationMs: 1000, slices: [1, 2, 3], busy: 0.1 },
      { ...result, statuses: { 200: 2, 503: 1 }, durationMs: 1100, slices: [4, 5], busy: 0.2 },
    ]);
    expect(both).toMatchObject({
      answered: 2,
      statuses: { 200: 3, 503: 1 },
      failures: { x: 2 },
      bytes: 20,
      durationMs: 1100,
      slices: [5, 7],
      busy: 0.2,
    });
    expect(both.latencies.count).toBe(2);
  });
});
