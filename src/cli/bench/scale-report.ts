import { percent } from '../../support/percent.ts';
import type { Paint } from '../colour.ts';
import { plain } from '../plain.ts';
import { milliseconds } from '../status-text.ts';
import { tableLines } from '../table.ts';
import { escapeText, lineChart } from './chart.ts';
import { page, table } from './report-html.ts';
import { whole } from './report-text.ts';
import type { ScaleReport } from './scale.ts';

const BAR_WIDTH = 30;

const titles = ['BACKENDS', 'ADDED', 'REQUESTS/S', 'EFFICIENCY', 'P50', 'P99', 'FAILED', 'LIMIT'] as const;

function rowsOf({ steps }: ScaleReport): string[][] {
  return steps.map(({ backends, added, perSecond, efficiency, p50Ms, p99Ms, failed, limit }) => [
    String(backends),
    added,
    whole(perSecond),
    percent(efficiency),
    milliseconds(p50Ms),
    milliseconds(p99Ms),
    whole(failed),
    limit,
  ]);
}

function kneeInWords({ knee, steps }: ScaleReport): string {
  if (knee === null) return `none up to ${steps.length} backends: each brought at least half of what the first did`;
  return `at ${knee} of ${steps.length} backends: the next one brought less than half of what the first did`;
}

/** How the throughput grows, for people. */
export function scaleText(report: ScaleReport, paint: Paint): string {
  const { url, pool, connections, durationMs, steps } = report;
  const most = Math.max(1, ...steps.map(({ perSecond }) => perSecond));
  const bars = steps.map(({ perSecond }) => paint.cyan('█'.repeat(Math.ceil((perSecond / most) * BAR_WIDTH))));
  const columns = titles.map((title) => ({ title, right: title !== 'ADDED' && title !== 'LIMIT' }));
  const [head, ...rows] = tableLines(columns, rowsOf(report));
  const width = Math.max(...rows.map((row) => row.length));
  return [
    `${paint.bold(url)}, pool ${plain(pool)}, a run of ${durationMs / 1000} s over ${connections} connections for each number of backends`,
    '',
    paint.dim(head!),
    ...rows.map((row, n) => `${row.padEnd(width)}  ${bars[n]}`),
    '',
    `${paint.bold('the knee')}: ${kneeInWords(report)}`,
    '',
  ].join('\n');
}

/** The same as a page that stands alone. */
export function scaleHtml(report: ScaleReport): string {
  const { url, pool, connections, durationMs, startedAt, steps } = report;
  const facts = [
    startedAt,
    `pool ${pool}`,
    `${connections} connections`,
    `${durationMs / 1000} s for each number of backends`,
  ];
  const points = steps.map(({ backends, perSecond }) => ({ x: String(backends), y: perSecond }));
  const ideal = steps.map(({ backends }) => backends * steps[0]!.perSecond);
  const efficiency = steps.map((step) => ({ x: String(step.backends), y: step.efficiency * 100 }));
  const axis = { xTitle: 'backends' };
  return page(`How ${url} scales`, [
    `<p class="faint">${escapeText(facts.join(' · '))}</p>`,
    `<p><b>The knee:</b> ${escapeText(kneeInWords(report))}</p>`,
    lineChart({ ...axis, title: 'Throughput, and so many times the first', yTitle: 'requests/s' }, points, ideal),
    lineChart({ ...axis, title: 'Efficiency', yTitle: '%' }, efficiency),
    table(
      titles.map((title) => title.toLowerCase()),
      rowsOf(report),
    ),
  ]);
}
