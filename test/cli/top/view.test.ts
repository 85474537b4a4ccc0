import { describe, expect, it } from 'vitest';
import { keysOf } from '../../../src/cli/terminal.ts';
import { firstView, press, rowsOf, sortings, type View } from '../../../src/cli/top/view.ts';
import { backend, snapshot } from './stage.ts';

const before = snapshot({ p: [backend('b'), backend('a'), backend('c')], q: [backend('z')] });
const now = snapshot(
  {
    p: [
      backend('b', { total: 100, active: 3, latencyMs: { p50: 1, p99: 9 } }),
      backend('a', { total: 300, failures: 8, active: 5, latencyMs: { p50: 1, p99: 3 }, state: 'draining' }),
      backend('c', { total: 0, failures: 2, health: 'down', weight: 0 }),
    ],
    q: [backend('new', { total: 1000 })],
  },
  { atMs: 4000 },
);
const view: View = { ...firstView(before), before, now };

function keys(...pressed: string[]): ReturnType<typeof press> {
  return pressed.reduce<ReturnType<typeof press>>((last, key) => press(last.view, key), { view });
}
const order = (one: View) => rowsOf(one).map(({ name }) => name.backend);

describe('rows', () => {
  it('have rates since the snapshot before, and shares of their pool', () => {
    expect(rowsOf(view).map(({ rate, failureRate, share }) => [rate, failureRate, share])).toEqual([
      [25, 0, 0.25],
      [75, 2, 0.75],
      [0, 0.5, 0],
      [null, null, null],
    ]);
    expect(rowsOf(firstView(now))[0]).toMatchObject({ rate: null, share: null });
  });

  it('know nothing of a counter that began again', () => {
    expect(rowsOf({ ...view, before: { ...now, atMs: 0 }, now: { ...before, atMs: 1000 } })[0]!.rate).toBe(0);
  });

  it.each([
    ['file', ['b', 'a', 'c', 'new']],
    ['name', ['a', 'b', 'c', 'new']],
    ['status', ['c', 'a', 'b', 'new']],
    ['active', ['a', 'b', 'c', 'new']],
    ['rate', ['a', 'b', 'c', 'new']],
    ['failures', ['a', 'c', 'b', 'new']],
    ['p99', ['b', 'a', 'c', 'new']],
  ] as const)('are sorted by %s', (sort, sorted) => {
    expect(order({ ...view, sort })).toEqual(sorted);
    expect(order({ ...view, sort, reversed: true })).toEqual(sorted.toReversed());
  });
});

describe('a key', () => {
  it('moves the choice, within the list', () => {
    const chosen = (...pressed: string[]) => keys(...pressed).view.chosen?.backend;
    expect(chosen('down')).toBe('a');
    expect(chosen('j', 'j', 'k')).toBe('a');
    expect(chosen('up')).toBe('b');
    expect(chosen('end')).toBe('new');
    expect(chosen('page-down', 'home')).toBe('b');
    expect(keys('down', 's').view.chosen?.backend).toBe('a');
  });

  it('sorts, and reverses', () => {
    expect(keys('s').view.sort).toBe('name');
    expect(keys(...sortings.map(() => 's')).view.sort).toBe('file');
    expect(keys('r').view.reversed).toBe(true);
  });

  it('drains and disables after a yes', () => {
    const name = { pool: 'p', backend: 'a' };
    expect(keys('down', 'd')).toMatchObject({ view: { question: { text: 'Drain p/a?' } } });
    expect(keys('down', 'd').change).toBeUndefined();
    expect(keys('down', 'd', 'y').change).toEqual({ name, change: { state: 'draining' } });
    expect(keys('down', 'x', 'enter').change).toEqual({ name, change: { state: 'disabled' } });
    expect(keys('down', 'x', 'n')).toEqual({ view: { ...view, chosen: name, question: undefined } });
    expect(keys('down', 'x', 'q').quit).toBeUndefined();
  });

  it('enables and weighs at once', () => {
    expect(keys('e').change).toEqual({ name: { pool: 'p', backend: 'b' }, change: { state: 'enabled' } });
    expect(keys('+').change).toEqual({ name: { pool: 'p', backend: 'b' }, change: { weight: 2 } });
    expect(keys('j', 'j', '-').change).toBeUndefined();
  });

  it('quits, helps, or does nothing', () => {
    expect(keys('q').quit).toBe(true);
    expect(keys('d', 'ctrl-c').quit).toBe(true);
    expect(keys('h').view.help).toBe(true);
    expect(keys('h', 's').view).toMatchObject({ help: false, sort: 'file' });
    expect(keys('Z')).toEqual({ view: { ...view, chosen: { pool: 'p', backend: 'b' } } });
    const empty = firstView(snapshot({}));
    for (const key of ['down', 'd', 'e', '+']) expect(press(empty, key).change).toBeUndefined();
  });
});

describe('what a terminal sends', () => {
  it.each([
    ['q', ['q']],
    ['\u001b[A\u001b[Bjk', ['up', 'down', 'j', 'k']],
    ['\u001bOA\u001b[5~\u001b[H\r', ['up', 'page-up', 'home', 'enter']],
    ['\u0003', ['ctrl-c']],
    ['\u001b', ['escape']],
    ['\u001b[1;5C\u001b[Zx', ['x']],
    ['ü🐑', ['ü', '🐑']],
    ['', []],
  ])('%j are keys', (text, found) => {
    expect(keysOf(text)).toEqual(found);
  });
});
