import { describe, expect, it } from 'vitest';
import { type LoopSample, Pressure } from '../../src/proxy/pressure.ts';

const long: LoopSample = { turns: 1, cpuMs: 150, utilization: 1 };
const idle: LoopSample = { turns: 20, cpuMs: 10, utilization: 0.1 };

function stage() {
  let now = 0;
  const turnEnds: (() => void)[] = [];
  const changes: boolean[] = [];
  const pressure = new Pressure({
    cpuNow: () => now,
    afterTurn: (done) => turnEnds.push(done),
    onChange: (shedding) => changes.push(shedding),
  });
  return {
    pressure,
    changes,
    observe: (sample: LoopSample, times = 1) => {
      for (let i = 0; i < times; i++) pressure.observe(sample);
    },
    /** Requests that come eight a millisecond in one turn: how many of them are let in. */
    letIn: (requests: number): number => {
      let count = 0;
      for (let i = 0; i < requests; i++) {
        if (!pressure.sheds()) count++;
        now += 0.125;
      }
      for (const end of turnEnds.splice(0)) end();
      return count;
    },
  };
}

describe('a worker refuses nothing', () => {
  it.each<[string, LoopSample]>([
    ['that is idle', idle],
    ['at whole use, whose turns are short', { turns: 3, cpuMs: 99, utilization: 1 }],
    ['at whole use with a thousand requests in each turn', { turns: 2, cpuMs: 110, utilization: 1 }],
    ['with work that comes in heaps, and pauses between them', { turns: 1, cpuMs: 300, utilization: 0.9 }],
    ['that others keep from its processor', { turns: 1, cpuMs: 20, utilization: 1 }],
  ])('%s', (_name, sample) => {
    const { observe, letIn, changes } = stage();
    observe(sample, 1000);
    expect([letIn(1000), changes]).toEqual([1000, []]);
  });

  it('for a pause, a burst or a cold start, however long a turn it is', () => {
    const { observe, letIn, changes } = stage();
    for (let i = 0; i < 100; i++) {
      observe({ turns: 1, cpuMs: 2000, utilization: 1 }, 2);
      observe(idle);
      observe({ turns: 1, cpuMs: 330, utilization: 1 }, 3);
      observe(idle);
    }
    expect([letIn(1000), changes]).toEqual([1000, []]);
  });
});

describe('a worker that has more than it can do', () => {
  it('lets in what comes in the first moments of each turn', () => {
    const { observe, letIn, changes, pressure } = stage();
    observe(long, 7);
    expect([changes, pressure.shedding]).toEqual([[true], true]);
    expect([letIn(1000), letIn(1000), letIn(3)]).toEqual([4, 4, 3]);
  });

  it('lets in more, little by little, as long as turns are short, and less when they are not', () => {
    const { observe, letIn } = stage();
    observe(long, 7);
    const counts = [4, 4, 4, 30, 30, 6, 6].map((cpuMs) => {
      const count = letIn(100);
      observe({ turns: 1, cpuMs, utilization: 1 });
      return count;
    });
    expect(counts).toEqual([4, 5, 6, 7, 20, 20, 14]);
    for (let i = 0; i < 30; i++) {
      letIn(100);
      observe({ turns: 1, cpuMs: 4, utilization: 1 });
    }
    expect(letIn(100)).toBe(20);
  });

  it('goes on serving some when refusing alone fills it', () => {
    const { observe, letIn } = stage();
    observe(long, 7);
    for (let i = 0; i < 100; i++) {
      letIn(1000);
      observe({ turns: 1, cpuMs: 1000, utilization: 1 });
    }
    expect(letIn(1000)).toBe(20);
  });

  it('is done with it a second after the last refusal, and does not begin anew at once', () => {
    const { observe, letIn, changes } = stage();
    observe(long, 7);
    letIn(100);
    observe(idle, 10);
    expect(changes).toEqual([true]);
    observe(idle);
    expect(changes).toEqual([true, false]);
    observe(long, 6);
    expect([letIn(1000), changes]).toEqual([1000, [true, false]]);
  });
});
