import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/pool/backend.ts';
import { createSessionMemory, SessionTable } from '../../src/pool/session-table.ts';
import { AdminState, Health } from '../../src/pool/table.ts';
import { type Session, Sticky, type StickyPlan } from '../../src/proxy/sticky.ts';
import { seededRandom } from '../../src/simulate/seeded-random.ts';
import { planOf } from '../pool/stage.ts';
import { counted } from './counted.ts';
import { poolSite, requestHead, responseHead } from './sticky-stage.ts';

const cookie: StickyPlan = { kind: 'cookie', name: 'fl', ttlMs: 0, secret: '' };
const query: StickyPlan = { kind: 'query', name: 'sid', ttlMs: 0, secret: '' };
const header: StickyPlan = { kind: 'header', name: 'x-session', ttlMs: 0, secret: '' };

function stage(plan: StickyPlan, count = 3) {
  const { site, table, heard } = poolSite(count);
  const { meters, shown } = counted();
  const time = { ms: 1_000_000_000 };
  const wallNow = (): number => time.ms;
  const sessions = new SessionTable(createSessionMemory(1024, seededRandom(1)), wallNow);
  const labels = { listener: 'web', route: 'app' };
  const make = () => new Sticky(plan, [site], { sessions, meters, labels, secure: false, wallNow });
  const sticky = make();
  const find = (target: string, fields: string[] = [], source = '10.0.0.1', by: Sticky = sticky): Session =>
    by.find(requestHead(target, ...fields), source, () => site);
  return { site, table, heard, shown, time, sticky, make, find };
}

/** Takes a lease, gives it back, and says on which backend it was. */
function went(session: Session, tried?: ReadonlySet<Backend>): string {
  const acquired = session.acquire({}, tried);
  if (!acquired.ok) return acquired.refusal;
  acquired.lease.release('served');
  return acquired.lease.backend.id;
}

/** The field line with which a browser sends back the cookie it was given. */
function cookieOf(session: Session): string {
  return `Cookie: ${/^Set-Cookie: ([^;]+)/.exec(session.lines)![1]}`;
}

describe('a session by cookie', () => {
  it('is given a cookie when it begins, and none as long as it stays', () => {
    const { find, shown } = stage(cookie);
    const first = find('/');
    const backend = went(first);
    expect(first.lines).toMatch(/^Set-Cookie: fl=/);
    for (let i = 0; i < 5; i++) {
      const next = find('/', [cookieOf(first)]);
      expect(went(next)).toBe(backend);
      expect(next.lines).toBe('');
    }
    expect(shown('sticky_requests_total')).toEqual({ 'web app new': 1, 'web app kept': 5 });
  });

  it('is a new one when the cookie is forged', () => {
    const { find, shown } = stage(cookie);
    const session = find('/', ['Cookie: fl=AAAAAAAAAAAAAAAAAAAAAAAA']);
    expect(went(session)).toBe('b0');
    expect(session.lines).toMatch(/^Set-Cookie: fl=/);
    expect(shown('sticky_requests_total')).toEqual({ 'web app new': 1 });
  });

  it('stays on a backend that drains, or gets no new ones, and is told so of no other', () => {
    const { find, table } = stage(cookie);
    const first = find('/');
    expect(went(first)).toBe('b0');
    table.setAdmin(0, AdminState.draining);
    table.touch(1);
    expect(went(find('/', [cookieOf(first)]))).toBe('b0');
    expect(Array.from({ length: 4 }, () => went(find('/')))).toEqual(['b2', 'b1', 'b2', 'b1']);
    table.setAdmin(0, AdminState.enabled);
    table.setWeight(0, 0);
    table.touch(1);
    expect(went(find('/', [cookieOf(first)]))).toBe('b0');
  });

  it.each<[string, (table: ReturnType<typeof stage>['table']) => void]>([
    ['is down', (table) => table.setHealth(0, Health.down)],
    ['is ejected', (table) => table.setEjected(0, true)],
    ['refuses connections', (table) => void table.markRefused(0)],
    ['is disabled', (table) => table.setAdmin(0, AdminState.disabled)],
  ])('moves once when its backend %s, all requests of a page together', (_name, change) => {
    const { find, table, shown, time } = stage(cookie);
    const first = find('/');
    expect(went(first)).toBe('b0');
    change(table);
    table.touch(1);
    const page: Session[] = [];
    const where: string[] = [];
    for (let i = 0; i < 6; i++) {
      page.push(find('/', [cookieOf(first)]));
      where.push(went(page[i]!));
    }
    expect(new Set(where).size).toBe(1);
    expect(where[0]).not.toBe('b0');
    for (const session of page) expect(session.lines).toBe(page[0]!.lines);
    expect(shown('sticky_requests_total')).toEqual({ 'web app new': 1, 'web app moved': 1, 'web app kept': 5 });
    const after = find('/', [cookieOf(page[0]!)]);
    expect([went(after), after.lines]).toEqual([where[0], '']);
    // Others that were there move by themselves.
    time.ms += 1;
    const others = Array.from({ length: 20 }, (_, i) => went(find('/', [cookieOf(first)], `10.0.1.${i}`)));
    expect(new Set(others).size).toBe(2);
  });

  it('moves when its backend fails a try, and says so to the client', () => {
    const { find, site } = stage(cookie);
    const first = find('/');
    went(first);
    const session = find('/', [cookieOf(first)]);
    expect([went(session), session.lines]).toEqual(['b0', '']);
    const next = went(session, new Set([site.pool.backends[0]!]));
    expect(next).not.toBe('b0');
    expect(session.lines).toMatch(/^Set-Cookie: fl=/);
    expect(went(find('/', [cookieOf(session)]))).toBe(next);
  });

  it('is served elsewhere while its backend is full, and stays', () => {
    const { find, table, site, shown } = stage(cookie);
    const first = find('/');
    went(first);
    table.setMaxActive(0, 1);
    const held = site.pool.acquireOn(site.pool.backends[0]!);
    const session = find('/', [cookieOf(first)]);
    expect(went(session)).not.toBe('b0');
    expect(session.lines).toBe('');
    if (held.ok) held.lease.release('served');
    expect(went(find('/', [cookieOf(first)]))).toBe('b0');
    expect(shown('sticky_requests_total')).toEqual({ 'web app new': 1, 'web app spilled': 1, 'web app kept': 1 });
  });

  it('is refused like any other when there is no backend at all', () => {
    const { find, table } = stage(cookie, 1);
    const first = find('/');
    went(first);
    table.setHealth(0, Health.down);
    table.touch(1);
    expect(went(find('/', [cookieOf(first)]))).toBe('none-healthy');
  });

  it('gets a cookie with a longer life when a part of it is over', () => {
    const { find, time } = stage({ ...cookie, ttlMs: 8000 });
    const first = find('/');
    went(first);
    time.ms += 2000;
    const later = find('/', [cookieOf(first)]);
    expect(went(later)).toBe('b0');
    expect(later.lines).toMatch(/^Set-Cookie: fl=.*Max-Age=8/);
    expect(cookieOf(later)).not.toBe(cookieOf(first));
    time.ms += 12_000;
    const late = find('/', [cookieOf(first)]);
    expect(went(late)).not.toBe('b0');
  });

  it('lets new sessions go where the kept ones are not', () => {
    const { find } = stage(cookie);
    const first = find('/');
    went(first);
    for (let i = 0; i < 12; i++) went(find('/', [cookieOf(first)]));
    expect(Array.from({ length: 6 }, () => went(find('/')))).not.toContain('b0');
  });
});

describe('a session by a key of the application', () => {
  it('stays where its first request went, in every worker and after a restart', () => {
    const { find, make } = stage(header);
    const keys = Array.from({ length: 50 }, (_, i) => [`X-Session: user ${i}`]);
    const first = keys.map((fields) => went(find('/', fields)));
    expect(new Set(first)).toEqual(new Set(['b0', 'b1', 'b2']));
    const again = make();
    expect(keys.map((fields) => went(find('/', fields, '10.0.0.2', again)))).toEqual(first);
    const restarted = stage(header);
    expect(keys.map((fields) => went(restarted.find('/', fields)))).toEqual(first);
  });

  it('stays when a backend joins, and moves alone with those of one that is gone', () => {
    const { find, table } = stage(query, 4);
    table.setHealth(3, Health.down);
    table.touch(1);
    const targets = Array.from({ length: 60 }, (_, i) => `/?sid=s${i}`);
    const first = targets.map((target) => went(find(target)));
    table.setHealth(3, Health.up);
    table.touch(1);
    expect(targets.map((target) => went(find(target)))).toEqual(first);
    table.setHealth(0, Health.down);
    table.touch(1);
    const moved = targets.map((target) => went(find(target)));
    moved.forEach((backend, i) => {
      if (first[i] === 'b0') expect(backend).not.toBe('b0');
      else expect(backend).toBe(first[i]);
    });
    table.setHealth(0, Health.up);
    table.touch(1);
    expect(targets.map((target) => went(find(target)))).toEqual(moved);
  });

  it('moves when another backend has got the slot of its own', () => {
    const { find, make, table, site, shown } = stage(query);
    const targets = Array.from({ length: 30 }, (_, i) => `/?sid=s${i}`);
    const first = targets.map((target) => went(find(target)));
    const before = site.pool.backends;
    const plan = planOf(3);
    site.pool.reconcile({ ...plan, backends: plan.backends.slice(1) });
    table.resetBackend(0);
    table.setHealth(0, Health.up);
    table.setWeight(0, 1);
    const other = { ...plan.backends[0]!, id: 'other', address: '127.0.0.1:4000' };
    site.pool.reconcile({ ...plan, backends: [other, ...plan.backends.slice(1)] });
    const now = make();
    const where = targets.map((target) => went(find(target, [], '10.0.0.1', now)));
    expect(where.filter((_, i) => first[i] !== 'b0')).toEqual(first.filter((backend) => backend !== 'b0'));
    const ofB0 = first.filter((backend) => backend === 'b0').length;
    expect(ofB0).toBeGreaterThan(0);
    expect(shown('sticky_requests_total')).toEqual({
      'web app new': 30,
      'web app moved': ofB0,
      'web app kept': 30 - ofB0,
    });
    // A request that is still at the former backend speaks for that one alone.
    now.remember('late', before[0]!);
    expect(now.recall('late', 0)).toBe('gone');
  });

  it('is learned from the answer in which the backend gives it a key', () => {
    const { find } = stage(query);
    for (let i = 0; i < 30; i++) {
      const opening = find('/socket.io/?EIO=4');
      const backend = went(opening);
      const body = Buffer.from(`0{"sid":"made-by-${i}","upgrades":["websocket"]}`);
      opening.watch!.onAnswerHead(responseHead('200 OK'));
      opening.watch!.onAnswerBody(body, 0, body.length);
      const next = find(`/socket.io/?EIO=4&sid=made-by-${i}`);
      expect(went(next)).toBe(backend);
      expect(next.watch).toBeUndefined();
    }
  });

  it('is learned from a field of the answer, also when it changes', () => {
    const { find } = stage(header);
    const opening = find('/');
    const backend = went(opening);
    opening.watch!.onAnswerHead(responseHead('200 OK', 'X-Session: one'));
    const next = find('/', ['X-Session: one']);
    expect(went(next)).toBe(backend);
    next.watch!.onAnswerHead(responseHead('200 OK', 'X-Session: two'));
    expect(went(find('/', ['X-Session: two']))).toBe(backend);
  });

  it('is not taken for one of another route to other pools', () => {
    const { find, sticky, site } = stage(query);
    for (let i = 0; i < 20; i++) sticky.remember(`s${i}`, site.pool.backends[1]!);
    for (let i = 0; i < 20; i++) expect(went(find(`/?sid=s${i}`))).toBe('b1');
    const elsewhere = poolSite(3);
    const deps = { sessions: sticky.sessions, meters: counted().meters, labels: { listener: 'web', route: 'b' } };
    const pools = [site, elsewhere.site];
    const other = new Sticky(query, pools, { ...deps, secure: false, wallNow: () => 0 });
    const where = Array.from({ length: 20 }, (_, i) => went(find(`/?sid=s${i}`, [], '10.0.0.1', other)));
    expect(new Set(where).size).toBeGreaterThan(1);
  });

  it('is forgotten after its ttl', () => {
    const { find, sticky, site, time, shown } = stage({ ...query, ttlMs: 60_000 });
    sticky.remember('s', site.pool.backends[2]!);
    time.ms += 50_000;
    expect(went(find('/?sid=s'))).toBe('b2');
    time.ms += 61_000;
    went(find('/?sid=s'));
    expect(shown('sticky_requests_total')).toEqual({ 'web app kept': 1, 'web app new': 1 });
  });
});
