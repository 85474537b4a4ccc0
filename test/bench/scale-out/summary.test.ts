import { describe, expect, it } from 'vitest';
import { picksBetween, type ScalePoint } from '../../../bench/scale-out/measure.ts';
import { complaints, picksAgree, type ScaleRow, scaleRows } from '../../../bench/scale-out/summary.ts';

const capacity = { slots: 8, serviceMs: 20 };

function point(change: Partial<ScalePoint> = {}, load: Partial<ScalePoint['load']> = {}): ScalePoint {
  return {
    backends: 1,
    layer: 'l7',
    picks: undefined,
    proxyBusy: 0.1,
    ...change,
    load: {
      answered: 4000,
      durationMs: 10_000,
      p50Ms: 40,
      p99Ms: 42,
      errors: 0,
      lost: 0,
      byBody: { 'app-1': 4000 },
      ...load,
    },
  };
}

describe('picksBetween', () => {
  it('subtracts by name; who was not there before began at 0', () => {
    expect(picksBetween({ 'app-1': 100, 'app-2': 7 }, { 'app-1': 150, 'app-2': 7, 'app-3': 9 })).toEqual({
      'app-1': 50,
      'app-2': 0,
      'app-3': 9,
    });
  });
});

describe('picksAgree', () => {
  const two = { answered: 100, byBody: { 'app-1': 60, 'app-2': 40 } };
  it.each([
    ['exactly the answers', { 'app-1': 60, 'app-2': 40 }, true],
    ['one more for each connection', { 'app-1': 64, 'app-2': 52 }, true],
    ['more than could be under way', { 'app-1': 64, 'app-2': 53 }, false],
    ['fewer for one backend, more for the other', { 'app-1': 59, 'app-2': 41 }, false],
    ['a backend not counted at all', { 'app-1': 100 }, false],
  ])('in L7: %s', (_name, picks, agree) => {
    expect(picksAgree(point({ picks }, two), 16)).toBe(agree);
  });

  it.each([
    [{ 'app-1': 8, 'app-2': 8 }, true],
    [{ 'app-1': 8, 'app-2': 7 }, false],
    [{ 'app-1': 9, 'app-2': 8 }, false],
  ])('in L4, a pick is a connection: %o', (picks, agree) => {
    expect(picksAgree(point({ layer: 'l4', picks }, two), 16)).toBe(agree);
  });

  it('says nothing about a proxy that keeps no count', () => {
    expect(picksAgree(point({ picks: undefined }), 16)).toBeUndefined();
  });
});

describe('scaleRows', () => {
  const points = [
    point(),
    point({ layer: 'l4' }, { answered: 3900 }),
    point(
      { backends: 3, picks: { 'app-1': 5000, 'app-2': 5000, 'app-3': 1712 } },
      {
        answered: 11_700,
        p50Ms: 41,
        p99Ms: 55,
        errors: 1,
        lost: 2,
        byBody: { 'app-1': 5000, 'app-2': 5000, 'app-3': 1700 },
      },
    ),
    point({ layer: 'l4', backends: 2 }, { answered: 7800, byBody: { 'app-1': 7800 } }),
  ];
  const rows = scaleRows(points, capacity, 16);

  it('compares with one backend through the same layer', () => {
    expect(rows.map(({ layer, backends, throughput }) => [layer, backends, throughput])).toEqual([
      ['l7', 1, 400],
      ['l4', 1, 390],
      ['l7', 3, 1170],
      ['l4', 2, 780],
    ]);
    expect(rows.map(({ factor }) => factor)).toEqual([1, 1, 2.925, 2]);
    expect(rows[2]!.efficiency).toBeCloseTo(0.975, 12);
    expect(rows.map(({ ofCapacity }) => ofCapacity)).toEqual([1, 0.975, 0.975, 0.975]);
  });

  it('gives every backend its share, also the one that answered nothing', () => {
    expect(rows[2]!.shares).toEqual({ 'app-1': 5000 / 11_700, 'app-2': 5000 / 11_700, 'app-3': 1700 / 11_700 });
    expect(rows[3]!.shares).toEqual({ 'app-1': 1, 'app-2': 0 });
  });

  it('adds lost requests to the errors and checks the picks against all connections', () => {
    expect(rows[2]).toMatchObject({ errors: 3, picksAgree: true, p50Ms: 41, p99Ms: 55, proxyBusy: 0.1 });
    expect(rows[0]!.picksAgree).toBeUndefined();
    expect(scaleRows(points, capacity, 3)[2]!.picksAgree).toBe(false);
  });

  it('has no factor without a run with one backend', () => {
    expect(scaleRows(points.slice(2), capacity, 16)[0]!.factor).toBeNaN();
  });
});

describe('complaints', () => {
  const row = (change: Partial<ScaleRow>): ScaleRow => ({ ...scaleRows([point()], capacity, 16)[0]!, ...change });

  it.each([
    [3, 2.9, []],
    [3, 2.899, ['L7 with 3: factor 2.90 is below 2.9']],
    [8, 7.5, []],
    [8, 7.41, ['L7 with 8: factor 7.41 is below 7.5']],
    [2, 1, []],
    [8, Number.NaN, []],
  ])('%d backends at %d times one', (backends, factor, expected) => {
    expect(complaints(row({ backends, factor }))).toEqual(expected);
  });

  it('names failed requests and picks that differ', () => {
    expect(complaints(row({ layer: 'l4', errors: 2, picksAgree: false }))).toEqual([
      'L4 with 1: 2 requests failed',
      "L4 with 1: the proxy's count of picks differs from the answers",
    ]);
  });
});
