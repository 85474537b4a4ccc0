import type { FileLimit } from '../lib/file-limit.ts';
import { describeMachine, type Machine } from '../lib/results.ts';
import { median, ratio } from '../lib/statistics.ts';
import { markdownTable, number } from '../lib/table.ts';
import type { MemorySample } from '../memory/measure.ts';
import { growthKb } from '../memory/report.ts';
import type { Layer } from '../peers/peer.ts';
import type { CrowdOptions, CrowdSample } from './measure.ts';

/** How much longer p99 may be among a crowd. */
export const MOST_RATIO = 2;
/** Most kilobytes (1,000 bytes) of memory for each connection of a crowd. */
export const MOST_KB = 12;

/** One layer: its memory once, its rounds. */
export interface CrowdLayer {
  readonly layer: Layer;
  /** How many connections were asked for, and how many the limit of open files allows. */
  readonly asked: number;
  readonly options: CrowdOptions;
  readonly memory: MemorySample;
  readonly rounds: readonly CrowdSample[];
}

/** All a report is made of. */
export interface CrowdResults {
  readonly machine: Machine;
  readonly peer: string;
  readonly files: FileLimit;
  readonly layers: readonly CrowdLayer[];
}

/** p99 among the crowd over p99 without it: the median of the rounds. */
export function p99Ratio(rounds: readonly CrowdSample[]): number {
  return median(rounds.map(({ alone, among }) => ratio(among.p99Ms, alone.p99Ms)));
}

/** What is wrong with a layer, in words. */
export function crowdComplaints({ layer, options, memory, rounds }: CrowdLayer): string[] {
  const found: string[] = [];
  const [measured, kb] = [p99Ratio(rounds), growthKb(memory.asIs, memory.connections)];
  if (!(measured <= MOST_RATIO))
    found.push(`p99 is ${number(measured, 2)} times that without the crowd, not ${MOST_RATIO}`);
  if (!(kb <= MOST_KB)) found.push(`${number(kb, 2)} KB per connection is more than ${MOST_KB} KB`);
  for (const { alone, among, answered, closed } of rounds) {
    if (alone.errors + among.errors > 0) found.push(`${alone.errors + among.errors} errors of the load`);
    if (answered < options.connections) found.push(`${options.connections - answered} connections were not answered`);
    if (closed > 0) found.push(`${closed} connections were closed`);
  }
  return found.map((each) => `${layer.toUpperCase()}: ${each}`);
}

/** The report as Markdown. */
export function crowdReport({ machine, peer, files, layers }: CrowdResults): string {
  const table = markdownTable(
    [
      { title: 'layer', align: 'left', cell: ({ layer }) => layer.toUpperCase() },
      { title: 'connections', cell: ({ options }) => number(options.connections) },
      { title: 'asked for', cell: ({ asked }) => number(asked) },
      { title: 'KB/connection', cell: ({ memory }) => number(growthKb(memory.asIs, memory.connections), 2) },
      { title: 'p99 ms alone', cell: ({ rounds }) => number(median(rounds.map(({ alone }) => alone.p99Ms)), 2) },
      { title: 'among', cell: ({ rounds }) => number(median(rounds.map(({ among }) => among.p99Ms)), 2) },
      { title: 'ratio', cell: ({ rounds }) => number(p99Ratio(rounds), 2) },
      { title: 'answered', cell: ({ rounds }) => number(Math.min(...rounds.map(({ answered }) => answered))) },
      { title: 'closed', cell: ({ rounds }) => number(Math.max(...rounds.map(({ closed }) => closed))) },
    ],
    layers,
  );
  const found = layers.flatMap(crowdComplaints);
  const [first] = layers;
  return `# A crowd of connections

${describeMachine(machine)}
${peer}; wrk on ${first?.options.load} connections for ${first?.options.durationS} s before the crowd comes and among it, in L4 a new connection for each request; then every connection of the crowd is used once more. Medians of ${first?.rounds.length} rounds;
answered and closed are of the worst. Open files: ${number(files.hard)} allowed. See ../README.md for the method and its limits.

${table}
Goals: p99 among the crowd at most ${MOST_RATIO} times that without it, at most ${MOST_KB} KB per connection, every connection answered.
${found.length === 0 ? 'All of them are held.' : found.map((each) => `- ${each}`).join('\n')}
`;
}
