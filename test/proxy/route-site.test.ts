import { describe, expect, it } from 'vitest';
import { createMeterMemory, Meters } from '../../src/observe/meters.ts';
import type { Backend } from '../../src/pool/backend.ts';
import type { PoolSite } from '../../src/proxy/deps.ts';
import { type RoutePlan, RouteSite } from '../../src/proxy/route-site.ts';
import { counted } from './counted.ts';

const plan: RoutePlan = {
  name: 'app',
  action: { kind: 'pool', split: [{ pool: 'web', weight: 1 }], splitNumber: 0 },
  timeoutMs: 1000,
  retry: { attempts: 2, onConnect: true, onReset: true },
  paths: [],
  headers: {},
};

const web = { pool: { name: 'web' } } as PoolSite;
const front = { listener: 'front', route: 'app', pool: 'web' };
const db = { pool: { name: 'db' } } as PoolSite;
const one = { id: 'one' } as Backend;
const two = { id: 'two' } as Backend;

describe('RouteSite', () => {
  it('counts requests by who answered and with what', () => {
    const { meters, shown } = counted();
    const site = new RouteSite(meters, 'front', plan);
    site.count(200, 1, web, one);
    site.count(200, 1, web, one);
    site.count(404, 1, web, one);
    site.count(200, 1, web, two);
    site.count(503, 1, web, undefined);
    site.count(503, 1, db, undefined);
    site.count(308, 1, undefined, undefined);
    site.count(308, 1, undefined, undefined);
    expect(shown('requests_total')).toEqual({
      'front app web one 200': 2,
      'front app web one 404': 1,
      'front app web two 200': 1,
      'front app web  503': 1,
      'front app db  503': 1,
      'front app   308': 2,
    });
  });

  it('goes on where another site of the same route has counted, as after a reload', () => {
    const { meters, shown } = counted();
    for (let i = 0; i < 2; i++) new RouteSite(meters, 'front', plan).count(200, 1, web, one);
    expect(shown('requests_total')).toEqual({ 'front app web one 200': 2 });
  });

  it('counts for nobody else when a request ends whose backend has left long ago', () => {
    const { meters, free } = counted();
    const site = new RouteSite(meters, 'front', plan);
    site.count(200, 1, web, one);
    const cells = free();
    const cell = meters.counter('requests_total', { ...front, backend: 'two', code: '200' });
    site.count(200, 1, web, one);
    expect([cells, meters.cells[cell]]).toEqual([[cell], 0]);
  });

  it('observes how long requests took, in seconds', () => {
    const { meters, shown } = counted();
    const site = new RouteSite(meters, 'front', plan);
    site.count(200, 1500, web, one);
    site.count(502, 2500, web, one);
    // Two counts in buckets, and the sum of both in seconds.
    expect(shown('request_duration_seconds')).toEqual({ 'front app': 2 + 1.5 + 2.5 });
  });

  it('claims nothing before a request comes, since there may be thousands of routes', () => {
    const claims: string[] = [];
    const meters = new Meters(createMeterMemory({ lanes: 1 }), 0, ({ name }) => claims.push(name));
    const site = new RouteSite(meters, 'front', plan);
    expect(claims).toEqual([]);
    for (let i = 0; i < 2; i++) site.count(200, 1, web, one);
    expect(claims).toEqual(['requests_total', 'request_duration_seconds']);
  });

  it('has the pool that is chosen anew each time, or none', () => {
    const { meters } = counted();
    const turns = [web, db, web];
    const site = new RouteSite(meters, 'front', plan, { choosePool: () => turns.shift() });
    expect([site.choosePool(), site.choosePool(), site.choosePool(), site.choosePool()]).toEqual([
      web,
      db,
      web,
      undefined,
    ]);
    expect(new RouteSite(meters, 'front', plan).choosePool()).toBeUndefined();
    expect(site.plan).toBe(plan);
  });

  it('changes nothing of a request unless there is something to change', () => {
    const { meters } = counted();
    const site = (more: Partial<RoutePlan>) => new RouteSite(meters, 'front', { ...plan, ...more });
    expect(site({})).toMatchObject({ rewrite: undefined, requestEdit: undefined, answerEdit: undefined });
    expect(site({ rewrite: {} }).rewrite).toBeUndefined();
    expect(site({ rewrite: { host: '' } }).rewrite).toEqual({ host: '', target: undefined });
    expect(site({ rewrite: { stripPrefix: '/a' } }).rewrite?.target?.('/a/b')).toBe('/b');
    const headers = { response: { drop: ['a'], lines: '' } };
    expect(site({ headers })).toMatchObject({ requestEdit: undefined, answerEdit: headers.response });
  });
});
