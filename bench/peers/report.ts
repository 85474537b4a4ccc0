import { describeMachine, type Machine } from '../lib/results.ts';
import { type Column, markdownTable, number } from '../lib/table.ts';
import type { WindowOptions } from './measure.ts';
import type { Ratio, Summary, Verdict } from './summary.ts';
import type { Workload } from './workloads.ts';

/** All a report is made of. */
export interface PeerResults {
  /** The heading of the report. */
  readonly title: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly missing: readonly string[];
  readonly rounds: number;
  readonly window: WindowOptions;
  readonly summaries: readonly Summary[];
  /** Those that are compared with the others. */
  readonly subjects: readonly Subject[];
}

/** One that is compared with all others, and whether it reaches the goals. */
export interface Subject {
  readonly subject: string;
  readonly ratios: readonly Ratio[];
  readonly verdicts: readonly Verdict[];
}

function columns(workload: Workload): Column<Summary>[] {
  const bulk = workload.kind === 'bulk';
  const cpu = bulk ? 'CPU ms/GiB' : 'CPU µs/request';
  return [
    { title: 'peer', align: 'left', cell: ({ peer }) => peer },
    { title: bulk ? 'Gbit/s' : 'requests/s', cell: ({ rate }) => number(rate, bulk ? 2 : 0) },
    ...(bulk ? [] : [{ title: 'p99 ms', cell: ({ p99Ms }: Summary) => number(p99Ms, 2) }]),
    { title: cpu, cell: ({ cpuPerUnit }) => number(cpuPerUnit, bulk ? 0 : 1) },
    { title: 'user', cell: ({ userPerUnit }) => number(userPerUnit, bulk ? 0 : 1) },
    { title: 'system', cell: ({ systemPerUnit }) => number(systemPerUnit, bulk ? 0 : 1) },
    { title: 'spread', cell: ({ cpuSpread }) => `${number(cpuSpread * 100)} %` },
    { title: 'core busy', cell: ({ busy }) => `${number(busy * 100)} %` },
    { title: 'RSS MiB', cell: ({ residentBytes }) => number(residentBytes / 2 ** 20) },
    { title: 'errors', cell: ({ errors }) => number(errors) },
  ];
}

/** The measured table of one workload. */
export function workloadSection(workload: Workload, summaries: readonly Summary[]): string {
  const rows = summaries.filter((summary) => summary.workload === workload.name);
  return rows.length === 0
    ? ''
    : `## ${workload.title} (\`${workload.name}\`)\n\n${markdownTable(columns(workload), rows)}\n`;
}

const MEASURE_TITLES = { cpuPerUnit: 'CPU per unit', rate: 'rate', p99Ms: 'p99' } as const;

/** One row for each workload and measure, one column for each thing it is compared with. */
export function ratioSection(subject: string, ratios: readonly Ratio[]): string {
  const against = [...new Set(ratios.map((each) => each.against))];
  const rows = [...Map.groupBy(ratios, ({ workload, measure }) => `${workload} ${measure}`).values()].filter((row) =>
    row.some(({ value }) => !Number.isNaN(value)),
  );
  if (rows.length === 0) return '';
  const table = markdownTable(
    [
      { title: 'workload', align: 'left', cell: (row) => row[0]!.workload },
      { title: 'measure', align: 'left', cell: (row) => MEASURE_TITLES[row[0]!.measure] },
      ...against.map((name) => ({
        title: name === 'better' ? 'better of nginx, haproxy' : name,
        cell: (row: Ratio[]) => number(row.find((each) => each.against === name)?.value ?? Number.NaN, 2),
      })),
    ],
    rows,
  );
  return `## Ratios of medians: ${subject} divided by\n\nLess is better for CPU and p99, more is better for the rate.\n\n${table}\n`;
}

function verdictSection(subjects: readonly Subject[]): string {
  const measured = subjects.flatMap(({ subject, verdicts }) =>
    verdicts.filter(({ held }) => held !== undefined).map((verdict) => ({ subject, ...verdict })),
  );
  if (measured.length === 0) return '';
  const table = markdownTable(
    [
      { title: 'peer', align: 'left', cell: ({ subject }) => subject },
      { title: 'workload', align: 'left', cell: ({ workload }) => workload },
      { title: 'measure', align: 'left', cell: ({ measure }) => MEASURE_TITLES[measure] },
      { title: 'against', align: 'left', cell: ({ against }) => against },
      { title: 'goal', align: 'left', cell: ({ sense, bound }) => `${sense} ${number(bound, 2)}` },
      { title: 'reached', cell: ({ reached }) => number(reached, 2) },
      { title: 'held', align: 'left', cell: ({ held }) => (held ? 'yes' : 'no') },
    ],
    measured,
  );
  return `## Goals\n\n${table}\n`;
}

/** The whole report as Markdown. */
export function peerReport(results: PeerResults, workloads: readonly Workload[]): string {
  const { window, rounds, subjects } = results;
  const cores = `proxy on core ${window.proxyCore ?? 'any'}, generator and backend on core ${window.loadCore ?? 'any'}`;
  const versions = Object.entries(results.versions).map(([name, version]) => `- ${name}: ${version}`);
  const missing = results.missing.map((name) => `- ${name}: not installed, left out`);
  return `# ${results.title}

${describeMachine(results.machine)}
Medians of ${rounds} turns of ${window.durationS} s, all in turn, after ${window.warmUpS} s of warm-up each, ${window.connections} connections, ${cores}.
Forwarding fields written by every peer: ${window.forwarded ? 'yes' : 'no (only by those that always do)'}. See ../README.md for the method and its limits.

${[...versions, ...missing].join('\n')}

${verdictSection(subjects)}${subjects.map(({ subject, ratios }) => ratioSection(subject, ratios)).join('')}${workloads
  .map((workload) => workloadSection(workload, results.summaries))
  .join('')}`.replace(/\n+$/, '\n');
}
