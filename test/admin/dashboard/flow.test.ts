import { describe, expect, it } from 'vitest';
import { BOX_HEIGHT, FlowDrawing, toneOf } from '../../../src/admin/dashboard/flow.ts';
import { backend, listener, pool, route } from './traffic.ts';

const draw = (...parts: ConstructorParameters<typeof FlowDrawing>) => new FlowDrawing(...parts).layOut(1000);

describe('FlowDrawing', () => {
  const routes = [route('canary', { next: 10, shop: 90 }), route('rest', { shop: 200 }), route('ping', {})];
  const pools = [pool('shop', [backend('a', 200), backend('b', 90)]), pool('next', [backend('a', 10)])];
  const picture = draw([listener('web', routes)], pools);

  it('has a box for each thing, in its column, and none over another', () => {
    const { boxes, boxWidth, width, height } = picture;
    const byColumn = Map.groupBy(boxes, ({ x }) => x);
    expect([...byColumn.values()].map((column) => column.map(({ title }) => title))).toEqual([
      ['web'],
      ['canary', 'rest', 'ping'],
      ['shop', 'next'],
      ['a', 'b', 'a'],
    ]);
    for (const column of byColumn.values())
      for (const [n, { y }] of column.entries()) if (n > 0) expect(y - column[n - 1]!.y).toBeGreaterThan(BOX_HEIGHT);
    for (const { x, y } of boxes) {
      expect(x + boxWidth).toBeLessThanOrEqual(width);
      expect(y + BOX_HEIGHT).toBeLessThanOrEqual(height);
    }
    expect(new Set(boxes.map(({ key }) => key)).size).toBe(boxes.length);
  });

  it('has a pipe for each way that traffic can take, the thicker the more of it flows', () => {
    const found = picture.pipes.map(({ from, to, perSecond }) => [from.title, to.title, perSecond]);
    expect(found).toEqual([
      ['web', 'canary', 100],
      ['canary', 'next', 10],
      ['canary', 'shop', 90],
      ['web', 'rest', 200],
      ['rest', 'shop', 200],
      ['web', 'ping', 0],
      ['shop', 'a', 200],
      ['shop', 'b', 90],
      ['next', 'a', 10],
    ]);
    const thickness = [...picture.pipes].sort((a, b) => a.perSecond - b.perSecond).map((pipe) => pipe.thickness);
    expect(thickness).toEqual([...thickness].sort((a, b) => a - b));
    expect(Math.min(...thickness)).toBeGreaterThan(0);
  });

  it('shows of hundreds of backends those that are not well, some others, and the rest in one box', () => {
    const many = Array.from({ length: 500 }, (_, n) => backend(`b${n}`, 2, n === 321 ? { health: 'down' } : {}));
    const { boxes, height } = draw([listener('web', [route('all', { big: 1000 })])], [pool('big', many)]);
    const ends = boxes.filter(({ kind }) => kind === 'backend' || kind === 'rest');
    expect(ends.length).toBeLessThan(30);
    expect(height).toBeLessThan(1000);
    expect(ends.map(({ title }) => title)).toContain('b321');
    expect(ends.at(-1)).toMatchObject({ kind: 'rest', title: `${501 - ends.length} more` });
    expect(ends.reduce((sum, { perSecond }) => sum + perSecond, 0)).toBe(1000);
  });

  it('says how many routes it leaves out', () => {
    const lots = Array.from({ length: 40 }, (_, n) => route(`r${n}`, { p: 1 }));
    const { hidden, boxes } = draw([listener('web', lots)], [pool('p', [backend('a', 40)])]);
    expect(hidden + boxes.filter(({ kind }) => kind === 'route').length).toBe(40);
  });

  it('draws nothing where there is nothing, and leaves out pipes to what is not there', () => {
    expect(draw([], [])).toMatchObject({ boxes: [], pipes: [] });
    const { pipes } = draw([listener('web', [route('r', { gone: 1 })])], []);
    expect(pipes.map(({ to }) => to.title)).toEqual(['r']);
  });

  it('keeps names apart whatever is in them', () => {
    const odd = [pool('a b', [backend('c', 1)]), pool('a', [backend('b c', 1)])];
    const { boxes } = draw([], odd);
    expect(new Set(boxes.map(({ key }) => key)).size).toBe(4);
  });
});

describe('toneOf', () => {
  it.each([
    ['up', 'enabled', 'good'],
    ['down', 'enabled', 'bad'],
    ['down', 'draining', 'bad'],
    ['ejected', 'enabled', 'warn'],
    ['up', 'draining', 'warn'],
    ['up', 'disabled', 'idle'],
    ['unknown', 'enabled', 'idle'],
  ] as const)('of %s and %s is %s', (health, state, tone) => {
    expect(toneOf({ health, state })).toBe(tone);
  });
});
