import { percent } from '../../support/percent.ts';
import type { Paint } from '../colour.ts';
import { plain } from '../plain.ts';
import { milliseconds } from '../status-text.ts';
import { tableLines } from '../table.ts';
import { type BenchReport, percentiles } from './report.ts';

const BAR_WIDTH = 40;

/** A report for people. */
export function reportText(report: BenchReport, paint: Paint): string {
  const { url, loop, connections, rate, durationMs, perSecond, bytesPerSecond, latencyMs, limit } = report;
  const how = loop === 'closed' ? 'a closed loop' : `an open loop of ${rate} requests/s`;
  const shown = [...percentiles.map(([name]) => name), 'max'] as const;
  const facts = [
    [`${paint.bold(url)}, ${how} over ${connections} connections for ${(durationMs / 1000).toFixed(1)} s`],
    [
      `${paint.bold(`${whole(perSecond)} requests/s`)}, ${(bytesPerSecond / 1e6).toFixed(2)} MB/s, ${whole(report.answered)} answers`,
      ...outcomeLines(report, paint),
    ],
  ];
  const found = [
    [
      paint.bold('latency'),
      ...tableLines(
        ['min', 'mean', ...shown].map((title) => ({ title, right: true })),
        [(['min', 'mean', ...shown] as const).map((name) => milliseconds(latencyMs[name]))],
      ).map((line) => `  ${line}`),
    ],
    histogramLines(report, paint),
    ...report.pools.map((pool) => poolLines(pool, paint)),
    [`${paint.bold('the limit')}: ${limit.why}`, `  ${loadLine(report)}`],
  ];
  const sections = report.answered === 0 ? facts : [...facts, ...found];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function outcomeLines({ statuses, failures, retries }: BenchReport, paint: Paint): string[] {
  const byStatus = Object.entries(statuses).map(([status, count]) => `${status}: ${whole(count)}`);
  const wrong = Object.entries(failures).map(([what, count]) => `${what}: ${whole(count)}`);
  const isClean = Object.keys(statuses).every((status) => /^[123]/.test(status));
  const lines =
    byStatus.length === 0 ? [] : [`status ${isClean ? byStatus.join(', ') : paint.red(byStatus.join(', '))}`];
  if (wrong.length > 0) lines.push(paint.red(`without an answer: ${wrong.join(', ')}`));
  if (retries !== null && retries > 0) lines.push(paint.yellow(`tried again by Fairlead: ${whole(retries)}`));
  return lines;
}

function histogramLines({ histogram }: BenchReport, paint: Paint): string[] {
  const most = Math.max(1, ...histogram.map(({ count }) => count));
  const labels = histogram.map(({ toMs }) => milliseconds(toMs));
  const width = Math.max(0, ...labels.map((label) => label.length));
  const rows = histogram.map(({ count }, n) => {
    const bar = '█'.repeat(Math.ceil((count / most) * BAR_WIDTH)).padEnd(BAR_WIDTH);
    return `  ≤ ${labels[n]!.padStart(width)}  ${paint.cyan(bar)}  ${whole(count)}`;
  });
  return [paint.bold('histogram'), ...rows];
}

/** What a report says of a pool, ready to be shown: a line, and a row for each backend. */
export function poolParts({ algorithm, picks, backends, fairnessError }: BenchReport['pools'][number]): {
  readonly line: string;
  readonly rows: string[][];
} {
  const error = fairnessError === null ? '' : `, fairness error ${percent(fairnessError)}`;
  const rows = backends.map(({ id, picks: own, share, expected, busy }) => [
    id,
    whole(own),
    percent(share),
    percent(expected),
    busy === null ? '-' : percent(busy),
  ]);
  return { line: `${algorithm}, ${whole(picks)} picks${error}`, rows };
}

function poolLines(spread: BenchReport['pools'][number], paint: Paint): string[] {
  const { line: facts, rows } = poolParts(spread);
  const columns = [
    { title: 'BACKEND' },
    { title: 'PICKS', right: true },
    { title: 'SHARE', right: true },
    { title: 'BY WEIGHT', right: true },
    { title: 'CPU', right: true },
  ];
  const table = tableLines(columns, rows).map((line) => `  ${line}`);
  return [`${paint.bold(plain(`pool ${spread.pool}`))}  ${facts}`, ...table];
}

function loadLine({ loads: { generator, fairlead, backends, machine } }: BenchReport): string {
  const parts = [
    ['generator', generator],
    ['Fairlead', fairlead],
    ['busiest backend', backends],
    ['machine', machine],
  ] as const;
  return `CPU: ${parts.map(([name, busy]) => `${name} ${busy === null ? 'unknown' : percent(busy)}`).join(', ')}`;
}

/** A number without decimals, its thousands apart. */
export function whole(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}
