import { describeMachine, type Machine } from '../lib/results.ts';
import { markdownTable, number } from '../lib/table.ts';
import type { Reading } from './readings.ts';
import type { SoakResults } from './run.ts';

const MIB = 2 ** 20;
/** What the heap may differ by at rest: what a second run of the same work leaves compiled. In bytes. */
const HEAP_ALLOWANCE = 4 * MIB;
/** Share of all work that dead backends may cost. */
const MOST_FAILED = 0.02;

/** One thing that has to be back where it was. */
export interface Proof {
  readonly what: string;
  readonly before: string;
  readonly after: string;
  readonly held: boolean;
}

/** Holds the reading at the end against that after the warm-up. */
export function proofs(before: Reading, after: Reading): Proof[] {
  const exact = (what: string, was: number, is: number): Proof => ({
    what,
    before: number(was),
    after: number(is),
    held: is === was,
  });
  const kinds = [...new Set([...Object.keys(before.resources), ...Object.keys(after.resources)])].sort();
  const heap = [before.heapBytes, after.heapBytes].map((bytes) => `${number(bytes / MIB, 1)} MiB`) as [string, string];
  return [
    { ...exact('leases', before.leases, after.leases), held: after.leases === 0 },
    { ...exact('client connections and flows', before.connections, after.connections), held: after.connections === 0 },
    { ...exact('open files', before.files, after.files), held: after.files <= before.files },
    ...kinds.map((kind) => {
      const [was, is] = [before.resources[kind] ?? 0, after.resources[kind] ?? 0];
      return { ...exact(`handles of kind ${kind}`, was, is), held: is <= was };
    }),
    {
      what: 'heap of all threads, collected',
      before: heap[0],
      after: heap[1],
      held: after.heapBytes <= before.heapBytes + HEAP_ALLOWANCE,
    },
  ];
}

/** What is wrong with a run; empty when all is well. */
export function soakComplaints({ before, after, tally }: SoakResults): string[] {
  const [good, failed, wrong] = [tally.total('good'), tally.total('failed'), tally.total('wrong')];
  const share = failed / (good + failed + wrong);
  const left = proofs(before, after).filter(({ held }) => !held);
  return [
    ...left.map(({ what, before: was, after: is }) => `${what}: ${was} before, ${is} after`),
    ...(left.length === 0 ? [] : after.sockets.map((socket) => `still open: ${socket}`)),
    ...(wrong > 0 ? [`${number(wrong)} results that nothing explains: ${tally.faults.join('; ')}`] : []),
    ...(share <= MOST_FAILED ? [] : [`${number(share * 100, 1)} % failed, more than dead backends explain`]),
  ];
}

/** The whole report as Markdown. */
export function soakReport(results: SoakResults, machine: Machine): string {
  const { options, tally, reloads, deaths, moments, before, after } = results;
  const work = markdownTable(
    [
      { title: 'work', align: 'left', cell: ([kind]) => kind },
      { title: 'good', cell: ([, { good }]) => number(good) },
      { title: 'failed', cell: ([, { failed }]) => number(failed) },
      { title: 'wrong', cell: ([, { wrong }]) => number(wrong) },
    ],
    [...tally.counts].sort(([a], [b]) => a.localeCompare(b)),
  );
  const proof = markdownTable(
    [
      { title: 'at rest', align: 'left', cell: ({ what }) => what },
      { title: 'after the warm-up', cell: (row) => row.before },
      { title: 'at the end', cell: (row) => row.after },
      { title: 'back', align: 'left', cell: ({ held }) => (held ? 'yes' : 'no') },
    ],
    proofs(before, after),
  );
  const course = markdownTable(
    [
      { title: 'minute', cell: ({ atS }) => number(atS / 60, 1) },
      { title: 'pieces of work', cell: ({ done }) => number(done) },
      { title: 'open files', cell: ({ files }) => number(files) },
      { title: 'RSS MiB', cell: ({ residentBytes }) => number(residentBytes / MIB) },
    ],
    moments,
  );
  const complaints = soakComplaints(results);
  const verdict =
    complaints.length === 0 ? 'Everything is back where it was.' : complaints.map((each) => `- ${each}`).join('\n');
  return `# Soak

${describeMachine(machine)}
${number(options.durationS / 60, 1)} minutes after ${number(options.warmUpS)} s of warm-up with the same work; ${options.lanes} of each kind at a time, ${number(reloads)} reloads, ${number(deaths)} deaths of backends.

## Proof

${proof}
${verdict}

## Work

Failed is what a dead backend explains; wrong is what nothing explains.

${work}
## Under load

${course}`;
}
