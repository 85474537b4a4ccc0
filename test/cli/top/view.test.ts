import { describe, expect, it } from 'vitest';
import { keysOf } from '../../../src/cli/terminal.ts';
import { changeFor, firstView, press, rowsOf, sortings, type View, withChanged } from '../../../src/cli/top/view.ts';
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

  it('drains and disables after a yes, as of the version that was seen', () => {
    const wish = { name: { pool: 'p', backend: 'a' }, version: 'p-4000' };
    expect(keys('down', 'd')).toMatchObject({ view: { question: { text: 'Drain p/a?' } } });
    expect(keys('down', 'd').wish).toBeUndefined();
    expect(keys('down', 'd', 'y').wish).toEqual({ ...wish, to: { state: 'draining' } });
    expect(keys('down', 'x', 'enter').wish).toEqual({ ...wish, to: { state: 'disabled' } });
    expect(keys('down', 'x', 'n')).toEqual({ view: { ...view, chosen: wish.name, question: undefined } });
    expect(keys('down', 'x', 'q').quit).toBeUndefined();
    const asked = keys('down', 'd').view;
    expect(press({ ...asked, now: before }, 'y').wish).toEqual({ ...wish, to: { state: 'draining' } });
  });

  it('enables and weighs at once', () => {
    const wish = { name: { pool: 'p', backend: 'b' }, version: 'p-4000' };
    expect(keys('e').wish).toEqual({ ...wish, to: { state: 'enabled' } });
    expect(keys('+').wish).toEqual({ ...wish, to: { weightBy: 1 } });
    expect(keys('end', '-').wish).toEqual({
      name: { pool: 'q', backend: 'new' },
      version: 'q-4000',
      to: { weightBy: -1 },
    });
    expect(keys('j', 'j', '-').wish).toBeUndefined();
  });

  it('quits, helps, or does nothing', () => {
    expect(keys('q').quit).toBe(true);
    expect(keys('d', 'ctrl-c').quit).toBe(true);
    expect(keys('h').view.help).toBe(true);
    expect(keys('h', 's').view).toMatchObject({ help: false, sort: 'file' });
    expect(keys('Z')).toEqual({ view: { ...view, chosen: { pool: 'p', backend: 'b' } } });
    const empty = firstView(snapshot({}));
    for (const key of ['down', 'd', 'e', '+']) expect(press(empty, key).wish).toBeUndefined();
  });
});

describe('a wish', () => {
  const name = { pool: 'p', backend: 'b' };
  const changeOf = (to: { state: 'draining' } | { weightBy: number }, backendId = 'b') =>
    changeFor(now, { name: { ...name, backend: backendId }, version: 'p-4000', to });

  it('leads to a change of what there is when its turn comes', () => {
    expect(changeOf({ state: 'draining' })).toEqual({ state: 'draining' });
    expect(changeOf({ weightBy: 1 })).toEqual({ weight: 2 });
    expect(changeOf({ weightBy: -1 }, 'c')).toEqual({ weight: 0 });
    expect(changeOf({ weightBy: 1 }, 'gone')).toBeUndefined();
  });

  it('that came true is seen before the instance is asked again', () => {
    const changed = withChanged(now, name, { backend: backend('b', { weight: 9 }), version: 'p-next' });
    const [p, q] = changed.pools;
    expect(p).toMatchObject({ version: 'p-next', backends: [{ id: 'b', weight: 9 }, { id: 'a' }, { id: 'c' }] });
    expect(q).toBe(now.pools[1]);
    expect(withChanged(now, name, { backend: backend('b'), version: undefined }).pools[0]!.version).toBe('p-4000');
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
