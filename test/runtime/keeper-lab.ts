import { SharedTable } from '../../src/pool/table.ts';
import { HealthKeeper, type Transition } from '../../src/runtime/health-keeper.ts';
import type { PlannedBackend } from '../../src/runtime/plan.ts';
import type { Resolver } from '../../src/support/resolve.ts';
import { configOf, yaml } from '../config/loading.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** A keeper of a pool `app` on a clock that stands still, with what it told; `pool` is YAML of the pool's settings. */
export async function keeperLab(pool: string) {
  const clock = new FakeClock(1_000_000);
  const table = new SharedTable({ backends: 8, pools: 1, splits: 1, listeners: 1, lanes: 1 });
  const told: Transition[] = [];
  const problems: string[] = [];
  const keeper = new HealthKeeper({
    table,
    clock,
    resolver: {} as Resolver,
    version: '0',
    reader: { read: () => undefined, sum: () => [] },
    random: () => 0.5,
    tlsOf: () => undefined,
    onTransition: (transition) => told.push(transition),
    onAgentProblem: ({ backend, problem }) => problems.push(`${backend}: ${problem}`),
  });
  const policy = (await configOf(yaml({ pool }))).pools['app']!;
  const watch = (count: number): Promise<void> =>
    keeper.watch(
      Array.from({ length: count }, (_, slot): PlannedBackend => {
        table.setWeight(slot, 1);
        const config = { ...policy.backends[0]!, id: `b${slot}` };
        return { slot, fresh: true, pool: 'app', poolNumber: 0, config, policy };
      }),
    );
  /** So many failures in a row of the backend on a slot, as workers count and report them. */
  const fail = (slot: number, times: number): void => {
    for (let time = 0; time < times; time++) table.countFailure(slot);
    keeper.trouble({ slot, kind: 'failing' });
  };
  return { clock, table, told, problems, keeper, watch, fail };
}
