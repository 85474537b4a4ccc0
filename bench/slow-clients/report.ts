import { describeMachine, type Machine } from '../lib/results.ts';
import { median, ratio } from '../lib/statistics.ts';
import { markdownTable, number } from '../lib/table.ts';
import { bodyTimeoutS, type SlowOptions, type SlowSample } from './measure.ts';
import { type PerKind, SLOW_KINDS } from './slow-client.ts';

/** How much longer p99 may be among slow clients. */
export const MOST_RATIO = 1.5;

/** All a report is made of. */
export interface SlowResults {
  readonly machine: Machine;
  readonly options: SlowOptions;
  readonly samples: readonly SlowSample[];
}

/** p99 among slow clients over p99 without them: the median of the rounds. */
export function p99Ratio(samples: readonly SlowSample[]): number {
  return median(samples.map(({ alone, among }) => ratio(among.p99Ms, alone.p99Ms)));
}

const sum = (count: PerKind): number => SLOW_KINDS.reduce((total, kind) => total + count[kind], 0);

/** What is wrong with a run, in words. */
export function slowComplaints({ samples, options }: Pick<SlowResults, 'samples' | 'options'>): string[] {
  const found: string[] = [];
  const measured = p99Ratio(samples);
  if (!(measured <= MOST_RATIO))
    found.push(`p99 is ${number(measured, 2)} times that without slow clients, not ${MOST_RATIO}`);
  for (const { round, alone, among, held, after } of samples) {
    const errors = alone.errors + among.errors;
    if (among.requests === 0) found.push(`round ${round}: no other request was answered`);
    if (errors > 0) found.push(`round ${round}: ${errors} errors on other connections`);
    if (sum(held) < options.clients * 0.9) found.push(`round ${round}: only ${sum(held)} slow clients were held`);
    if (after.served > 0) found.push(`round ${round}: ${after.served} slow clients ended otherwise than by a timer`);
    for (const kind of SLOW_KINDS) {
      if (after.open[kind] > 0) found.push(`round ${round}: ${after.open[kind]} of kind ${kind} were not cut`);
      if (after.cut[kind] === 0) found.push(`round ${round}: none of kind ${kind} was cut`);
    }
  }
  return found;
}

const mib = (bytes: number): string => number(bytes / 2 ** 20, 0);

/** The report as Markdown. */
export function slowReport(results: SlowResults): string {
  const { options, samples } = results;
  const table = markdownTable(
    [
      { title: 'round', cell: ({ round }) => String(round) },
      { title: 'req/s alone', cell: ({ alone }) => number(alone.requestsPerSecond) },
      { title: 'among', cell: ({ among }) => number(among.requestsPerSecond) },
      { title: 'p99 ms alone', cell: ({ alone }) => number(alone.p99Ms, 2) },
      { title: 'among', cell: ({ among }) => number(among.p99Ms, 2) },
      { title: 'ratio', cell: ({ alone, among }) => number(ratio(among.p99Ms, alone.p99Ms), 2) },
      { title: 'held', cell: ({ held }) => number(sum(held)) },
      { title: 'cut: head', cell: ({ after }) => number(after.cut.head) },
      { title: 'body', cell: ({ after }) => number(after.cut.body) },
      { title: 'reader', cell: ({ after }) => number(after.cut.reader) },
      { title: 'left', cell: ({ after }) => number(sum(after.open)) },
      { title: 'RSS MiB alone', cell: ({ residentBytes }) => mib(residentBytes.alone) },
      { title: 'among', cell: ({ residentBytes }) => mib(residentBytes.among) },
      { title: 'after', cell: ({ residentBytes }) => mib(residentBytes.after) },
    ],
    samples,
  );
  const found = slowComplaints(results);
  const verdict = `p99 among them is ${number(p99Ratio(samples), 2)} times p99 without them (median of the rounds; goal: at most ${MOST_RATIO}).`;
  return `# Slow clients

${describeMachine(results.machine)}
${number(options.clients)} clients, a third of each kind: a byte of a head every ${options.everyS} s, a byte of a body every ${options.everyS} s, a reader that never reads. One that is cut comes back at once, until the window is over.
Timers: head and idle ${options.timeoutS} s, body ${bodyTimeoutS(options)} s. wrk on ${options.connections} other connections for ${options.durationS} s, before they come and among them. The kernel holds up to ${number(options.sendBufferBytes / 1024)} KiB for a connection that is not read. See ../README.md for the method and its limits.

${table}
${verdict}
${found.length === 0 ? 'All slow clients were cut by their timers.' : found.map((each) => `- ${each}`).join('\n')}
`;
}
