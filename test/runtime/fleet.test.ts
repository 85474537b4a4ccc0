import { afterEach, describe, expect, it } from 'vitest';
import { createMeterMemory } from '../../src/observe/meters.ts';
import { DEFAULT_TABLE_SIZE, SharedTable } from '../../src/pool/table.ts';
import { Fleet } from '../../src/runtime/fleet.ts';

let fleet: Fleet | undefined;
afterEach(() => fleet?.close());

/** A fleet of one worker, before whose replacement `failures` have to be got over. */
function fleetOfOne(failures: string[]): { fleet: Fleet; obstacles: string[] } {
  const obstacles: string[] = [];
  const size = { ...DEFAULT_TABLE_SIZE, lanes: 1 };
  const deps = {
    table: new SharedTable(size),
    meters: createMeterMemory({ lanes: 1 }),
    claimsOf: () => [],
    onMessage: () => {},
    onCrash: () => {},
    onReplaced: () => {},
    beforeRestart: async () => {
      const failure = failures.shift();
      if (failure !== undefined) throw new Error(failure);
    },
    onObstacle: (_lane: number, error: Error) => obstacles.push(error.message),
  };
  fleet = new Fleet(deps, 1);
  return { fleet, obstacles };
}

describe('a worker that died', () => {
  it('is replaced as soon as it can be, and each thing in the way is told once', async () => {
    const { fleet, obstacles } = fleetOfOne(['a port is taken', 'a port is taken', 'no file is left']);
    await fleet.crash(0);
    await expect.poll(() => fleet.views()[0]!.restarts, { timeout: 10_000 }).toBe(1);
    expect(obstacles).toEqual(['a port is taken', 'no file is left']);
  });

  it('is not looked at again after the end', async () => {
    const { fleet, obstacles } = fleetOfOne(['a port is taken']);
    const crashed = fleet.crash(0);
    expect(await fleet.drain(5000)).toBe(0);
    await crashed;
    expect([fleet.views()[0]!.restarts, obstacles]).toEqual([0, []]);
  });
});
