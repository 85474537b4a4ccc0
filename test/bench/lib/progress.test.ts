import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bar, Progress } from '../../../bench/lib/progress.ts';

const CLEAR = '\r\u001b[2K';

function stream(
  isTTY: boolean,
  columns?: number,
): { written: string[]; isTTY: boolean; columns?: number; write(t: string): void } {
  const written: string[] = [];
  return { written, isTTY, ...(columns === undefined ? {} : { columns }), write: (text) => void written.push(text) };
}

describe('bar', () => {
  it.each([
    [0, 0, '  0 %'],
    [0.5, 12, ' 50 %'],
    [1, 24, '100 %'],
    [-1, 0, '  0 %'],
    [7, 24, '100 %'],
  ])('of %d has %d full cells', (fraction, full, percent) => {
    expect(bar(fraction)).toBe(`${'█'.repeat(full)}${'░'.repeat(24 - full)} ${percent}`);
  });
});

describe('Progress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('writes one plain line a step where there is no terminal', async () => {
    const out = stream(false);
    const progress = new Progress(1000, out);
    await progress.during('first', Promise.resolve(1));
    progress.step('first: done', 500);
    progress.tick('second', 100);
    expect(out.written).toEqual(['first: done\n']);
  });

  it('redraws one line on a terminal, from what is done and what has passed', () => {
    const out = stream(true);
    const progress = new Progress(1000, out);
    progress.tick('a', 250);
    progress.step('a: done', 500);
    progress.tick('b', 250);
    expect(out.written).toEqual([`${CLEAR}${bar(0.25)}  a`, `${CLEAR}a: done\n`, `${CLEAR}${bar(0.75)}  b`]);
  });

  it('never fills the line, so that the terminal does not wrap it', () => {
    const out = stream(true, 40);
    new Progress(1, out).tick('x'.repeat(100), 0);
    expect(out.written[0]!.length - CLEAR.length).toBe(39);
  });

  it('moves five times a second while work lasts, gives its result, and clears the line', async () => {
    const out = stream(true);
    const progress = new Progress(1000, out);
    let finish: (value: string) => void = () => undefined;
    const work = progress.during('w', new Promise<string>((resolve) => (finish = resolve)));
    await vi.advanceTimersByTimeAsync(600);
    expect(out.written).toHaveLength(4);
    expect(out.written[3]).toBe(`${CLEAR}${bar(0.6)}  w`);
    finish('result');
    expect(await work).toBe('result');
    expect(out.written.at(-1)).toBe(CLEAR);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops redrawing when the work fails, and passes the failure on', async () => {
    const progress = new Progress(1000, stream(true));
    await expect(progress.during('w', Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(vi.getTimerCount()).toBe(0);
  });
});
