import { describe, expect, it } from 'vitest';
import { hash53 } from '../../src/pick/text-hash.ts';
import { createSessionMemory, DEFAULT_SESSIONS, SessionTable } from '../../src/pool/session-table.ts';
import { seededRandom } from '../../src/simulate/seeded-random.ts';

function stage(sessions: number, seed = 1) {
  const memory = createSessionMemory(sessions, seededRandom(seed));
  const time = { ms: 1_750_000_000_000 };
  const view = (): SessionTable => new SessionTable(memory, () => time.ms);
  return { memory, time, view, table: view() };
}

describe('a session table', () => {
  it('knows where each session is, in every view on its memory', () => {
    const { table, view } = stage(1024);
    for (let slot = 0; slot < 100; slot++) table.put(hash53(`session ${slot}`), slot);
    const other = view();
    for (let slot = 0; slot < 100; slot++) expect(other.find(hash53(`session ${slot}`), 0)).toBe(slot);
    expect(other.find(hash53('session 100'), 0)).toBe(-1);
  });

  it('takes the last word on a session, without using up more places', () => {
    const { table } = stage(8);
    for (let i = 0; i < 5; i++) table.put(hash53(`s${i}`), i);
    for (let i = 0; i < 1000; i++) table.put(hash53('s0'), 100 + (i % 50));
    expect([0, 1, 2, 3, 4].map((i) => table.find(hash53(`s${i}`), 0))).toEqual([149, 1, 2, 3, 4]);
  });

  it('forgets a session that was silent for its ttl, and counts a look-up as a sign of life', () => {
    const { table, time } = stage(64);
    table.put(hash53('a'), 3);
    table.put(hash53('b'), 4);
    time.ms += 9_000;
    expect(table.find(hash53('a'), 10_000)).toBe(3);
    time.ms += 9_000;
    expect(table.find(hash53('a'), 10_000)).toBe(3);
    expect(table.find(hash53('b'), 10_000)).toBe(-1);
    expect(table.find(hash53('b'), 0)).toBe(4);
    time.ms += 10_128;
    expect(table.find(hash53('a'), 10_000)).toBe(-1);
    table.put(hash53('c'), 5);
    time.ms += 1152;
    expect(table.find(hash53('c'), 1280)).toBe(5);
    time.ms += 1280;
    expect(table.find(hash53('c'), 1280)).toBe(-1);
  });

  it('gives the place of the session that was silent for longest to a new one', () => {
    const { table, time } = stage(8);
    for (let i = 0; i < 8; i++) {
      table.put(hash53(`old ${i}`), i);
      time.ms += 1000;
    }
    table.find(hash53('old 0'), 0);
    time.ms += 1000;
    table.put(hash53('new'), 9);
    const known = Array.from({ length: 8 }, (_, i) => table.find(hash53(`old ${i}`), 0));
    expect(known).toEqual([0, -1, 2, 3, 4, 5, 6, 7]);
    expect(table.find(hash53('new'), 0)).toBe(9);
  });

  it('holds as many sessions as it says and grows by none for a million', () => {
    const { table, memory, time } = stage(DEFAULT_SESSIONS);
    const bytes = memory.byteLength;
    expect(table.capacity).toBe(DEFAULT_SESSIONS);
    expect(bytes).toBeLessThan(3.1 * 1024 ** 2);
    for (let i = 0; i < 1_000_000; i++) {
      if (i % 100 === 0) time.ms += 128;
      table.put(hash53(`value ${i}`), i % 4096);
    }
    expect(memory.byteLength).toBe(bytes);
    let known = 0;
    for (let i = 0; i < 1_000_000; i++) {
      const slot = table.find(hash53(`value ${i}`), 0);
      if (slot === i % 4096) known++;
      else if (slot !== -1) throw new Error(`value ${i} is on ${slot}`);
    }
    expect(known).toBe(DEFAULT_SESSIONS);
    // The newest half of what it holds is all there: sets fill up unevenly, but not that much.
    for (let i = 1_000_000 - DEFAULT_SESSIONS / 4; i < 1_000_000; i += 97) {
      expect(table.find(hash53(`value ${i}`), 0)).toBe(i % 4096);
    }
  });

  it('lays the same sessions out otherwise in every process', () => {
    const lost = [1, 2].map((seed) => {
      const { table } = stage(64, seed);
      for (let i = 0; i < 200; i++) table.put(hash53(`s${i}`), i);
      return Array.from({ length: 200 }, (_, i) => i).filter((i) => table.find(hash53(`s${i}`), 0) < 0);
    });
    expect(lost[0]).not.toEqual(lost[1]);
  });

  it('loses nothing but the entry when a worker dies while it writes one', () => {
    const { table, memory } = stage(8);
    table.put(hash53('a'), 1);
    const cells = new Int32Array(memory);
    const at = cells.indexOf(2, 2);
    cells[at] = -1;
    expect(table.find(hash53('a'), 0)).toBe(-1);
    table.put(hash53('a'), 5);
    expect(table.find(hash53('a'), 0)).toBe(-1);
    table.put(hash53('b'), 2);
    expect(table.find(hash53('b'), 0)).toBe(2);
  });
});
