import type { FileLimit } from '../lib/file-limit.ts';
import { describeMachine, type Machine } from '../lib/results.ts';
import { ratio } from '../lib/statistics.ts';
import { markdownTable, number } from '../lib/table.ts';
import type { Layer } from '../peers/peer.ts';
import type { MemoryOptions, MemoryReading, MemorySample } from './measure.ts';

/** All a report is made of. */
export interface MemoryResults {
  readonly machine: Machine;
  readonly options: MemoryOptions;
  readonly files: FileLimit;
  readonly samples: readonly MemorySample[];
}

/** Most kilobytes (1,000 bytes) per idle connection that Fairlead is held to. */
export const MOST_KB: Readonly<Record<Layer, number>> = { l7: 8, l4: 16 };

/** Growth per connection in kilobytes (1,000 bytes); NaN when it was not measured. */
export function growthKb(reading: MemoryReading | undefined, connections: number): number {
  return ratio(reading && reading.after - reading.before, connections * 1000);
}

/** What is wrong with a sample, in words; the bounds hold for Fairlead only, and for the process as it is. */
export function complaints(sample: MemorySample): string[] {
  const where = `${sample.peer}, ${sample.layer.toUpperCase()}`;
  const closed = sample.asIs.closed + (sample.collected?.closed ?? 0);
  const found = closed === 0 ? [] : [`${where}: ${closed} connections were closed under the measurement`];
  const grown = growthKb(sample.asIs, sample.connections);
  const most = MOST_KB[sample.layer];
  if (sample.peer === 'fairlead' && grown > most) {
    found.push(`${where}: ${number(grown, 2)} KB per connection is more than ${most} KB`);
  }
  return found;
}

/** How many open files the proxy needs: two for each L4 connection, and some for itself. */
export function filesNeeded(connections: number): number {
  return 2 * connections + 500;
}

function mib(bytes: number): string {
  return number(bytes / 2 ** 20, 1);
}

/** The report as Markdown. */
export function memoryReport(results: MemoryResults): string {
  const { options, files, samples } = results;
  const table = markdownTable(
    [
      { title: 'layer', align: 'left', cell: ({ layer }) => layer.toUpperCase() },
      { title: 'peer', align: 'left', cell: ({ peer }) => peer },
      { title: 'RSS before MiB', cell: ({ asIs }) => mib(asIs.before) },
      { title: 'RSS after MiB', cell: ({ asIs }) => mib(asIs.after) },
      { title: 'KB/connection', cell: ({ asIs, connections }) => number(growthKb(asIs, connections), 2) },
      { title: 'collected', cell: ({ collected, connections }) => number(growthKb(collected, connections), 2) },
      { title: 'heaps', cell: ({ collected }) => number(collected?.heaps ?? Number.NaN) },
      { title: 'closed', cell: ({ asIs, collected }) => number(asIs.closed + (collected?.closed ?? 0)) },
    ],
    samples,
  );
  const found = samples.flatMap(complaints);
  const needed = number(filesNeeded(options.connections));
  return `# Memory per idle connection

${describeMachine(results.machine)}
${number(options.connections)} connections from ${options.clientProcesses} client processes, each idle after one request; in L4 each is joined to a connection of its own to a backend.
KB/connection is the growth of resident memory in KB of 1,000 bytes, from after ${options.warmUpRequests} requests one by one. Open files: ${number(files.hard)} allowed, ${needed} needed.
"Collected" is the same of another process, with a full garbage collection of all its heaps before both readings. See ../README.md for the method and its limits.

${table}
${found.length === 0 ? 'No connection was closed under the measurement.' : found.map((each) => `- ${each}`).join('\n')}
`;
}
