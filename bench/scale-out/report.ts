import { backendName } from '../backends/fleet.ts';
import { type Capacity, requestsPerSecond } from '../backends/slots.ts';
import { lineChart, type Series } from '../lib/line-chart.ts';
import { describeMachine, type Machine } from '../lib/results.ts';
import { markdownTable, number } from '../lib/table.ts';
import type { Layer } from '../peers/peer.ts';
import type { ScaleOptions } from './measure.ts';
import { complaints, type ScaleRow } from './summary.ts';

/** All a report is made of. */
export interface ScaleResults {
  readonly machine: Machine;
  readonly proxy: string;
  readonly options: ScaleOptions;
  readonly rows: readonly ScaleRow[];
}

function shareText(shares: Readonly<Record<string, number>>): string {
  const values = Object.values(shares);
  if (values.length === 0) return '–';
  const [least, most] = [Math.min(...values), Math.max(...values)].map((share) => number(share * 100, 2));
  return least === most ? `${least} % each` : `${least}–${most} %`;
}

function percent(value: number): string {
  return Number.isNaN(value) ? '–' : `${number(value * 100, 1)} %`;
}

const AGREES = { true: 'yes', false: 'no', undefined: '–' } as const;

function layerTable(rows: readonly ScaleRow[]): string {
  return markdownTable(
    [
      { title: 'backends', cell: ({ backends }) => String(backends) },
      { title: 'requests/s', cell: ({ throughput }) => number(throughput) },
      { title: 'p50 ms', cell: ({ p50Ms }) => number(p50Ms, 1) },
      { title: 'p99 ms', cell: ({ p99Ms }) => number(p99Ms, 1) },
      { title: '× one', cell: ({ factor }) => number(factor, 2) },
      { title: 'efficiency', cell: ({ efficiency }) => percent(efficiency) },
      { title: 'of capacity', cell: ({ ofCapacity }) => percent(ofCapacity) },
      { title: 'share per backend', cell: ({ shares }) => shareText(shares) },
      { title: 'picks agree', align: 'left', cell: ({ picksAgree }) => AGREES[`${picksAgree}`] },
      { title: 'proxy core', cell: ({ proxyBusy }) => percent(proxyBusy) },
      { title: 'errors', cell: ({ errors }) => number(errors) },
    ],
    rows,
  );
}

function shareTable(rows: readonly ScaleRow[]): string {
  const widest = Math.max(0, ...rows.map(({ backends }) => backends));
  const names = Array.from({ length: widest }, (_, i) => backendName(i));
  return markdownTable(
    [
      { title: 'layer', align: 'left', cell: ({ layer }) => layer.toUpperCase() },
      { title: 'backends', cell: ({ backends }) => String(backends) },
      ...names.map((name) => ({ title: name, cell: ({ shares }: ScaleRow) => percent(shares[name] ?? Number.NaN) })),
    ],
    rows,
  );
}

/** One sentence that states what a backend is. */
export function describeCapacity(capacity: Capacity): string {
  const { slots, serviceMs } = capacity;
  const each = number(requestsPerSecond(capacity));
  return `Each backend has ${slots} slots and a service time of ${serviceMs} ms, so ${each} requests/s.`;
}

/** The report as Markdown. */
export function scaleReport(results: ScaleResults): string {
  const { options, rows } = results;
  const found = rows.flatMap(complaints);
  const layers = [...new Set(rows.map(({ layer }) => layer))];
  const sections = layers.map((layer) => {
    return `## ${layer.toUpperCase()}\n\n${layerTable(rows.filter((row) => row.layer === layer))}\n`;
  });
  return `# Scale-out

${describeMachine(results.machine)}
${describeCapacity(options.capacity)}
autocannon keeps ${options.connectionsPerBackend} connections per backend busy for ${options.durationS} s after ${options.warmUpS} s of warm-up;
${results.proxy} with ${options.workers} worker${options.workers === 1 ? '' : 's'}, ${options.balance}, backends, generator and proxy on the same cores.
Through L4 the same HTTP is carried as bytes, balanced by connection. See ../README.md for the method and its limits.

![Throughput over the number of backends](scale-out.svg)

${found.length === 0 ? 'No request failed.' : found.map((each) => `- ${each}`).join('\n')}

${sections.join('\n')}
## Share per backend

${shareTable(rows)}`;
}

function measured(rows: readonly ScaleRow[], layer: Layer, style: 'first' | 'second'): Series[] {
  const own = rows.filter((row) => row.layer === layer);
  const last = own.at(-1);
  if (last === undefined) return [];
  const endLabel = Number.isNaN(last.factor) ? {} : { endLabel: `${layer.toUpperCase()} × ${number(last.factor, 2)}` };
  const points = own.map(({ backends, throughput }) => [backends, throughput] as const);
  return [{ name: layer.toUpperCase(), style, points, ...endLabel }];
}

/** The chart: throughput of both layers over the number of backends, with the line that N times one would be. */
export function scaleChart(results: ScaleResults): string {
  const { rows, options } = results;
  const base = rows.find(({ backends }) => backends === 1)?.throughput ?? requestsPerSecond(options.capacity);
  const widest = Math.max(1, ...rows.map(({ backends }) => backends));
  const ideal: Series = {
    name: 'N × one',
    style: 'ideal',
    points: [
      [0, 0],
      [widest, widest * base],
    ],
  };
  return lineChart({
    title: `${results.proxy}: throughput over the number of backends`,
    subtitle: describeCapacity(options.capacity),
    xTitle: 'backends',
    yTitle: 'requests per second',
    series: [ideal, ...measured(rows, 'l7', 'first'), ...measured(rows, 'l4', 'second')],
  });
}
