import { describeMachine, type Machine } from '../lib/results.ts';
import { markdownTable, number } from '../lib/table.ts';
import type { OverloadOptions, OverloadSample, PartResult } from './measure.ts';

/** How much longer p99 of what is served may be in overload. */
export const MOST_RATIO = 2;

/** A capacity above this share of what its connections could bring is theirs, not the worker's. */
const WORKER_SHARE = 0.8;

/** All a report is made of. */
export interface OverloadResults {
  readonly machine: Machine;
  readonly options: OverloadOptions;
  readonly sample: OverloadSample;
}

/** p99 of what is served in overload over p99 without. */
export function servedRatio({ unloaded, overload }: OverloadSample): number {
  return overload.servedP99Ms / unloaded.servedP99Ms;
}

/** What is wrong with a run, in words. */
export function overloadComplaints(sample: OverloadSample): string[] {
  const { capacity, capacityBound, unloaded, overload, after } = sample;
  const found: string[] = [];
  if (capacity > capacityBound * WORKER_SHARE)
    found.push('requests are so cheap that the worker was not the limit: give more --routes');
  const measured = servedRatio(sample);
  if (!(measured <= MOST_RATIO))
    found.push(`p99 of what is served is ${number(measured, 2)} times that without overload, not ${MOST_RATIO}`);
  if (!(overload.refusedP50Ms <= unloaded.servedP99Ms * MOST_RATIO)) found.push('refusals are not fast');
  if (overload.failed > 0) found.push(`${overload.failed} requests of the overload got no answer`);
  if (after.refused + after.failed > 0) found.push(`${after.refused + after.failed} were not served after it`);
  return found;
}

/** The report as Markdown. */
export function overloadReport({ machine, options, sample }: OverloadResults): string {
  const parts: [string, PartResult][] = [
    ['light load', sample.unloaded],
    [`overload, its first ${options.onsetMs / 1000} s`, sample.onset],
    ['overload, after that', sample.overload],
    ['light load, a second later', sample.after],
  ];
  const table = markdownTable<[string, PartResult]>(
    [
      { title: 'part', align: 'left', cell: ([name]) => name },
      { title: 'requests', cell: ([, part]) => number(part.requests) },
      { title: 'served', cell: ([, part]) => number(part.served) },
      { title: '503', cell: ([, part]) => number(part.refused) },
      { title: 'failed', cell: ([, part]) => number(part.failed) },
      { title: 'served p50 ms', cell: ([, part]) => number(part.servedP50Ms, 1) },
      { title: 'p99 ms', cell: ([, part]) => number(part.servedP99Ms, 1) },
      { title: '503 p50 ms', cell: ([, part]) => number(part.refusedP50Ms, 1) },
      { title: 'p99 ms', cell: ([, part]) => number(part.refusedP99Ms, 1) },
    ],
    parts,
  );
  const found = overloadComplaints(sample);
  return `# Overload

${describeMachine(machine)}
One worker, ${number(sample.capacity)} requests a second at most; ${options.times} times as many come on ${number(options.connections)} connections. Backends take ${options.serviceMs} ms, each request is held against ${options.routes} conditions. See ../README.md for the method and its limits.

${table}
p99 of what is served is ${number(servedRatio(sample), 2)} times p99 without overload (goal: at most ${MOST_RATIO}).
${found.map((each) => `- ${each}`).join('\n')}
`
    .trimEnd()
    .concat('\n');
}
