/**
 * Nanoseconds and heap bytes per pick for each algorithm, over 3, 32 and 100 candidates, with the load and the cursor
 * in shared memory as the workers have them. Run: node bench/micro/pick.ts. It asserts nothing; compare runs on one
 * machine only. `idle` has all candidates equal and without load, `busy` has unequal weights and loads that change.
 */
import { algorithms } from '../../src/pick/algorithms.ts';
import type { Candidate, PickHint } from '../../src/pick/balancer.ts';

const ROUND_PICKS = 200_000;
const ROUNDS = 5;
const keys: readonly PickHint[] = Array.from({ length: 1024 }, (_, index) => ({
  key: `10.0.${index >> 8}.${index & 255}`,
}));

/** A candidate as the pool has it: its leases are a cell of shared memory. */
class SharedCandidate implements Candidate {
  readonly id: string;
  readonly weight: number;
  readonly maxActive = 0;
  readonly latencyUs = 1000;
  readonly latencyAtLoadUs = 1000;
  readonly ramp = 1;
  readonly #cells: Int32Array;
  readonly #cell: number;

  constructor(cells: Int32Array, cell: number, weight: number) {
    this.id = `127.0.0.1:${3000 + cell}`;
    this.weight = weight;
    this.#cells = cells;
    this.#cell = cell;
  }

  get active(): number {
    return Atomics.load(this.#cells, this.#cell);
  }
}

/** The best of a few rounds, in nanoseconds a pick, and the heap bytes a pick of that round left behind. */
function measure(name: keyof typeof algorithms, size: number, busy: boolean): { ns: number; bytes: number } {
  const cells = new Int32Array(new SharedArrayBuffer(4 * (size + 1)));
  const cursor = new Uint32Array(cells.buffer, 4 * size, 1);
  const candidates = Array.from(
    { length: size },
    (_, cell) => new SharedCandidate(cells, cell, busy ? 1 + (cell % 4) : 1),
  );
  const balancer = algorithms[name].create<SharedCandidate>({
    nextTurn: () => Atomics.add(cursor, 0, 1),
    random: Math.random,
  });
  balancer.update(candidates);
  let best = { ns: Number.POSITIVE_INFINITY, bytes: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const heapBefore = process.memoryUsage().heapUsed;
    const start = process.hrtime.bigint();
    for (let pick = 0; pick < ROUND_PICKS; pick++) {
      if (busy) cells[pick % size] = (pick * 7) & 31;
      balancer.pick(keys[pick & 1023]!);
    }
    const ns = Number(process.hrtime.bigint() - start) / ROUND_PICKS;
    const bytes = Math.max(0, process.memoryUsage().heapUsed - heapBefore) / ROUND_PICKS;
    if (ns < best.ns) best = { ns, bytes };
  }
  return best;
}

/** Milliseconds an update takes whose schedule is as long and as uneven as it can get. */
function measureUpdate(size: number): number {
  const cells = new Int32Array(new SharedArrayBuffer(4 * size));
  const candidates = Array.from({ length: size }, (_, cell) => new SharedCandidate(cells, cell, 65_535 - 7 * cell));
  const balancer = algorithms['round-robin'].create<SharedCandidate>({ nextTurn: () => 0, random: Math.random });
  const start = performance.now();
  balancer.update(candidates);
  return performance.now() - start;
}

const rows: Record<string, Record<string, string>> = {};
for (const name of Object.keys(algorithms) as (keyof typeof algorithms)[]) {
  for (const load of ['idle', 'busy']) {
    const row: Record<string, string> = {};
    for (const size of [3, 32, 100]) {
      const { ns, bytes } = measure(name, size, load === 'busy');
      row[`${size} candidates`] = `${ns.toFixed(1)} ns, ${bytes.toFixed(1)} B`;
    }
    rows[`${name}, ${load}`] = row;
  }
}
console.table(rows);
for (const size of [3, 32, 100]) console.log(`worst update, ${size} candidates: ${measureUpdate(size).toFixed(1)} ms`);
