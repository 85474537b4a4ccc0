import { parentPort, workerData } from 'node:worker_threads';
import { type Claim, type MeterMemory, Meters } from '../../src/observe/meters.ts';

/** A worker that counts to `rounds` in its lane, announcing its claims as the real ones do. */
interface Work {
  readonly memory: MeterMemory;
  readonly lane: number;
  readonly known: Claim[];
  readonly rounds: number;
}

const { memory, lane, known, rounds } = workerData as Work;
const meters = new Meters(memory, lane, (claim) => parentPort?.postMessage(claim), known);
const shared = meters.counter('connections_total', { listener: 'web' });
const own = meters.counter('connections_total', { listener: `lane-${lane}` });
const duration = meters.histogram('request_duration_seconds', { listener: 'web', route: 'route-1' });
const active = meters.gauge('connections_active', { listener: 'web' });
for (let round = 0; round < rounds; round++) {
  meters.cells[shared]! += 1;
  meters.cells[own]! += 2;
  meters.cells[active]! += 1;
  duration.observe(round % 2 === 0 ? 0.0004 : 60);
}
