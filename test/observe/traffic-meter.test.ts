import { describe, expect, it } from 'vitest';
import { MeterReader } from '../../src/observe/meter-reader.ts';
import { createMeterMemory, Meters } from '../../src/observe/meters.ts';
import { TrafficMeter } from '../../src/observe/traffic-meter.ts';

function setUp() {
  const memory = createMeterMemory({ lanes: 2 });
  const reader = new MeterReader(memory);
  const workers = [0, 1].map((n) => new Meters(memory, n, (claim) => reader.add(n, claim)));
  const meter = new TrafficMeter(reader);
  const answer = (worker: number, code: string, { pool = 'p', backend = 'a', route = 'r' } = {}): void => {
    const { cells, counter } = { cells: workers[worker]!.cells, counter: workers[worker]! };
    cells[counter.counter('requests_total', { listener: 'web', route, pool, backend, code })]! += 1;
  };
  return { meter, workers, answer };
}

describe('TrafficMeter', () => {
  it('gives rates over the time between two readings, and totals since ever', () => {
    const { meter, answer } = setUp();
    for (let n = 0; n < 5; n++) answer(0, '200');
    meter.restart(10_000);
    expect([meter.seconds, meter.rate('route-requests', 'web', 'r')]).toEqual([0, { total: 5, perSecond: 0 }]);
    for (let n = 0; n < 6; n++) answer(n % 2, '200');
    meter.read(12_000);
    expect([meter.seconds, meter.rate('route-requests', 'web', 'r')]).toEqual([2, { total: 11, perSecond: 3 }]);
    meter.read(13_000);
    expect(meter.rate('route-requests', 'web', 'r')).toEqual({ total: 11, perSecond: 0 });
  });

  it('counts what was not there before, and knows nothing of what is not there', () => {
    const { meter, answer } = setUp();
    meter.restart(0);
    answer(0, '200', { route: 'new' });
    meter.read(1000);
    expect(meter.rate('route-requests', 'web', 'new')).toEqual({ total: 1, perSecond: 1 });
    expect(meter.rate('route-requests', 'web', 'none')).toEqual({ total: 0, perSecond: 0 });
  });

  it('counts an answer of 500 and above as an error of all that had to do with it', () => {
    const { meter, answer } = setUp();
    meter.restart(0);
    for (const code of ['200', '404', '499', '500', '503']) answer(0, code);
    answer(0, '503', { backend: '' });
    answer(0, '500', { pool: '', backend: '' });
    meter.read(1000);
    expect(meter.rate('listener-requests', 'web').total).toBe(7);
    expect(meter.rate('listener-errors', 'web').total).toBe(4);
    expect(meter.rate('route-errors', 'web', 'r').total).toBe(4);
    expect(meter.rate('pool-errors', 'p').total).toBe(3);
    expect(meter.rate('backend-errors', 'p', 'a').total).toBe(2);
    expect(meter.rate('route-pool', 'web', 'r', 'p').total).toBe(6);
  });

  it('tells names apart whatever is in them', () => {
    const { meter, answer } = setUp();
    meter.restart(0);
    answer(0, '500', { pool: 'a"', backend: '","b' });
    answer(0, '500', { pool: 'a', backend: '""b' });
    meter.read(1000);
    expect(meter.rate('backend-errors', 'a"', '","b').total).toBe(1);
    expect(meter.rate('backend-errors', 'a', '""b').total).toBe(1);
  });

  it('counts connections, bytes, refusals, leases, failures and retries', () => {
    const { meter, workers } = setUp();
    const [first] = workers;
    const cells = [
      first!.counter('connections_total', { listener: 'db' }),
      first!.counter('connections_routed_total', { listener: 'db', route: 'route-1', pool: 'p' }),
      first!.counter('bytes_total', { listener: 'db', direction: 'in' }),
      first!.counter('bytes_total', { listener: 'db', direction: 'out' }),
      first!.counter('refusals_total', { listener: 'db', reason: 'saturated' }),
      first!.counter('backend_picks_total', { pool: 'p', backend: 'a' }),
      first!.counter('backend_failures_total', { pool: 'p', backend: 'a', reason: 'connect-refused' }),
      first!.counter('retries_total', { pool: 'p', reason: 'connect-refused' }),
    ];
    meter.restart(0);
    for (const [n, cell] of cells.entries()) first!.cells[cell]! += n + 1;
    meter.read(1000);
    const totals = [
      meter.rate('listener-connections', 'db'),
      meter.rate('route-requests', 'db', 'route-1'),
      meter.rate('listener-bytes-in', 'db'),
      meter.rate('listener-bytes-out', 'db'),
      meter.rate('listener-refusals', 'db'),
      meter.rate('backend-leases', 'p', 'a'),
      meter.rate('pool-failures', 'p'),
      meter.rate('pool-retries', 'p'),
    ].map(({ total }) => total);
    expect(totals).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(meter.rate('route-pool', 'db', 'route-1', 'p').perSecond).toBe(2);
    expect(meter.rate('pool-leases', 'p').total).toBe(6);
    expect(meter.rate('backend-failures', 'p', 'a').total).toBe(7);
  });

  it('gives the latency of a pool over the last ten readings', () => {
    const { meter, workers } = setUp();
    const observe = (backend: string, ms: number) => workers[0]!.latency({ pool: 'p', backend }).observe(ms * 1000);
    observe('a', 900);
    meter.restart(0);
    expect(meter.latency('p')).toEqual({ p50: null, p99: null });
    for (let n = 0; n < 10; n++) observe(n % 2 === 0 ? 'a' : 'b', 10);
    meter.read(1000);
    const { p50, p99 } = meter.latency('p');
    expect(p50).toBeGreaterThan(8);
    expect(p99).toBeLessThan(12);
    for (let n = 2; n <= 10; n++) meter.read(n * 1000);
    expect(meter.latency('p').p50).toBe(p50);
    meter.read(11_000);
    expect(meter.latency('p')).toEqual({ p50: null, p99: null });
    expect(meter.latency('none')).toEqual({ p50: null, p99: null });
  });
});
