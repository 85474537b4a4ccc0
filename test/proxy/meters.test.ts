import { describe, expect, it } from 'vitest';
import { latencyCell } from '../../src/observe/latency.ts';
import type { Backend } from '../../src/pool/backend.ts';
import type { Lease } from '../../src/pool/lease.ts';
import type { Pool, Trouble } from '../../src/pool/pool.ts';
import { ListenerMeters } from '../../src/proxy/listener-meters.ts';
import { PoolMeters } from '../../src/proxy/pool-meters.ts';
import { counted } from './counted.ts';

const pool = {} as Pool;
const one = { id: 'one' } as Backend;
const two = { id: 'two' } as Backend;

describe('ListenerMeters', () => {
  it('counts connections, bytes and refusals of its listener', () => {
    const { meters, shown } = counted();
    const web = new ListenerMeters(meters, 'web');
    const other = new ListenerMeters(meters, 'other');
    for (let i = 0; i < 3; i++) web.opened();
    web.closed();
    web.bytesIn(10);
    web.bytesIn(5);
    web.bytesOut(7);
    web.refused('saturated');
    web.refused('bad-request');
    web.refused('saturated');
    other.opened();
    expect(shown('connections_total')).toEqual({ web: 3, other: 1 });
    expect(shown('connections_active')).toEqual({ web: 2, other: 1 });
    expect(shown('bytes_total')).toEqual({ 'web in': 15, 'web out': 7 });
    expect(shown('refusals_total')).toEqual({ 'web saturated': 2, 'web bad-request': 1 });
  });
});

describe('PoolMeters', () => {
  it('counts picks, failures and retries of its pool, and passes trouble on', () => {
    const { meters, shown } = counted();
    const told: Trouble[] = [];
    const web = new PoolMeters(meters, 'web', (trouble) => told.push(trouble));
    web.picked(pool, one);
    web.picked(pool, one);
    web.picked(pool, two);
    web.failed(pool, one, 'backend-reset');
    web.failed(pool, one, 'backend-reset');
    web.failed(pool, two, 'connect-refused');
    web.retried('backend-reset');
    web.retried('backend-reset');
    web.retried('connect-refused');
    web.trouble(pool, { slot: 3, kind: 'refused' });
    expect(shown('backend_picks_total')).toEqual({ 'web one': 2, 'web two': 1 });
    expect(shown('backend_failures_total')).toEqual({ 'web one backend-reset': 2, 'web two connect-refused': 1 });
    expect(shown('retries_total')).toEqual({ 'web backend-reset': 2, 'web connect-refused': 1 });
    expect(told).toEqual([{ slot: 3, kind: 'refused' }]);
  });

  it('observes how long it took to connect, and to answer', () => {
    const { meters, shown } = counted();
    const web = new PoolMeters(meters, 'web', () => {});
    web.connected(1500);
    const waits: number[] = [];
    const lease = { backend: one, answered: (us: number) => void waits.push(us) } as unknown as Lease;
    web.answered(lease, 3);
    web.answered(lease, 4);
    expect(waits).toEqual([3000, 4000]);
    expect(shown('backend_connect_seconds')).toEqual({ web: 1 + 1.5 });
    expect(shown('backend_latency')).toEqual({ 'web one': 2 });
  });

  it('counts for nobody else when a lease ends whose backend has left long ago', () => {
    const { meters, free } = counted();
    const web = new PoolMeters(meters, 'web', () => {});
    const lease = { backend: one, answered: () => {} } as unknown as Lease;
    const count = (): void => {
      web.picked(pool, one);
      web.failed(pool, one, 'backend-reset');
      web.answered(lease, 3);
    };
    count();
    const cells = free();
    const labels = { pool: 'web', backend: 'two' };
    meters.counter('backend_picks_total', labels);
    meters.counter('backend_failures_total', { ...labels, reason: 'backend-reset' });
    meters.latency(labels);
    count();
    expect(cells).toHaveLength(3);
    for (const cell of cells) expect(meters.cells[cell]).toBe(0);
    expect(meters.cells[cells[1]! + latencyCell(3000)]).toBe(0);
  });

  it('counts on for a backend that comes back after it was forgotten', () => {
    const { meters, shown } = counted();
    const web = new PoolMeters(meters, 'web', () => {});
    web.picked(pool, one);
    web.picked(pool, two);
    web.keep([two]);
    web.picked(pool, one);
    web.picked(pool, two);
    expect(shown('backend_picks_total')).toEqual({ 'web one': 2, 'web two': 2 });
  });
});
