import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HealthState, neverProbed, stepHealth } from '../../src/health/health-state.ts';

const limits = { rise: 2, fall: 3 };
const play = (results: readonly boolean[], from: HealthState = neverProbed, by = limits) =>
  results.reduce((state, ok) => stepHealth(state, ok, by), from);
const letters = (text: string) => [...text].map((letter) => letter === '+');

describe('step by step, rise 2 and fall 3', () => {
  test.each<[string, HealthState]>([
    ['', { status: 'unknown', streak: 0 }],
    ['+', { status: 'up', streak: 0 }],
    ['-', { status: 'down', streak: 0 }],
    ['+-', { status: 'up', streak: 1 }],
    ['+--', { status: 'up', streak: 2 }],
    ['+---', { status: 'down', streak: 0 }],
    ['+--+', { status: 'up', streak: 0 }],
    ['+--+--', { status: 'up', streak: 2 }],
    ['-+', { status: 'down', streak: 1 }],
    ['-++', { status: 'up', streak: 0 }],
    ['-+-', { status: 'down', streak: 0 }],
    ['-+-+', { status: 'down', streak: 1 }],
    ['----', { status: 'down', streak: 0 }],
    ['+---++', { status: 'up', streak: 0 }],
  ])('%s', (results, state) => {
    expect(play(letters(results))).toEqual(state);
  });
});

const results = fc.array(fc.boolean(), { maxLength: 40 });
const anyLimits = fc.record({ rise: fc.integer({ min: 1, max: 6 }), fall: fc.integer({ min: 1, max: 6 }) });

describe('properties', () => {
  test('the first result decides, whatever the limits', () => {
    fc.assert(
      fc.property(fc.boolean(), anyLimits, (ok, by) => {
        expect(stepHealth(neverProbed, ok, by)).toEqual({ status: ok ? 'up' : 'down', streak: 0 });
      }),
    );
  });

  test('the verdict moves only on as many contradictions in a row as asked, and then does', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), anyLimits, ([first, ...rest], by) => {
        let state = stepHealth(neverProbed, first!, by);
        let run = 0;
        for (const ok of rest) {
          run = ok === (state.status === 'up') ? 0 : run + 1;
          const moves = run === (ok ? by.rise : by.fall);
          const status = moves ? (ok ? 'up' : 'down') : state.status;
          run = moves ? 0 : run;
          state = stepHealth(state, ok, by);
          expect(state).toEqual({ status, streak: run });
        }
      }),
    );
  });

  test('enough equal results in a row decide, whatever came before', () => {
    fc.assert(
      fc.property(results, fc.boolean(), anyLimits, (before, ok, by) => {
        const after = play(new Array<boolean>(ok ? by.rise : by.fall).fill(ok), play(before, neverProbed, by), by);
        expect(after).toEqual({ status: ok ? 'up' : 'down', streak: 0 });
      }),
    );
  });

  test('a result that agrees changes nothing, down to the object', () => {
    fc.assert(
      fc.property(results, anyLimits, (before, by) => {
        const state = play([...before, true, ...new Array<boolean>(by.rise).fill(true)], neverProbed, by);
        expect(stepHealth(state, true, by)).toBe(state);
      }),
    );
  });
});
