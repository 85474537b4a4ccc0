import { percent } from '../../support/percent.ts';
import { milliseconds } from '../status-text.ts';
import { barChart, escapeText, lineChart } from './chart.ts';
import { SLICE_MS } from './load.ts';
import { type BenchReport, percentiles } from './report.ts';
import { poolParts, whole } from './report-text.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1f2328; --faint: #59636e; --ground: #fff; --rule: #d8dee4; --mark: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #9198a1; --ground: #0d1117; --rule: #30363d; --mark: #58a6ff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; } th { color: var(--faint); font-weight: 500; }
.big { font-size: 2rem; font-weight: 600; } .faint, .tick { color: var(--faint); }
svg { width: 100%; height: auto; margin-top: 1rem; } text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.tick { fill: var(--faint); font-size: 12px; } .title { font-size: 15px; font-weight: 600; } .grid { stroke: var(--rule); }
.bar { fill: var(--mark); } .line { fill: none; stroke: var(--mark); stroke-width: 2; } .ideal { fill: none; stroke: var(--faint); stroke-dasharray: 6 5; }
`;

/** A page that stands alone: no scripts, and nothing loaded from anywhere. `parts` are HTML, `title` is text. */
export function page(title: string, parts: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeText(title)}</h1>
${parts.join('\n')}
</body>
</html>
`;
}

/** A report as a page. */
export function reportHtml(report: BenchReport): string {
  const { url, loop, rate, connections, durationMs, startedAt, limit } = report;
  const how = loop === 'closed' ? 'closed loop' : `open loop, ${rate} requests/s`;
  const facts = [startedAt, how, `${connections} connections`, `${(durationMs / 1000).toFixed(1)} s`];
  return page(`Load test of ${url}`, [
    `<p class="faint">${escapeText(facts.join(' · '))}</p>`,
    `<p><span class="big">${whole(report.perSecond)}</span> requests/s · ${(report.bytesPerSecond / 1e6).toFixed(2)} MB/s</p>`,
    `<p><b>The limit:</b> ${escapeText(limit.why)}</p>`,
    outcomes(report),
    '<h2>Latency</h2>',
    latencyTable(report),
    charts(report),
    ...report.pools.map(poolTable),
    '<h2>CPU</h2>',
    loadTable(report),
  ]);
}

/** A table of texts. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, texts: readonly string[]) =>
    texts.map((text) => `<${tag}>${escapeText(text)}</${tag}>`).join('');
  return `<table><tr>${cells('th', titles)}</tr>\n${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n')}</table>`;
}

function outcomes({ statuses, failures, retries }: BenchReport): string {
  const rows = [
    ...Object.entries(statuses).map(([status, count]) => [`status ${status}`, whole(count)]),
    ...Object.entries(failures).map(([what, count]) => [`no answer: ${what}`, whole(count)]),
    ...(retries ? [['tried again by Fairlead', whole(retries)]] : []),
  ];
  return table(['outcome', 'requests'], rows);
}

function latencyTable({ latencyMs }: BenchReport): string {
  const names = ['min', 'mean', ...percentiles.map(([name]) => name), 'max'] as const;
  return table(names, [names.map((name) => milliseconds(latencyMs[name]))]);
}

function charts({ histogram, latencyMs, course }: BenchReport): string {
  const bars = histogram.map(({ toMs, count }) => ({ x: milliseconds(toMs), y: count }));
  const curve = percentiles.map(([name]) => ({ x: name, y: latencyMs[name] }));
  const overTime = course.map((y, n) => ({ x: `${((n + 1) * SLICE_MS) / 1000}`, y }));
  return [
    barChart({ title: 'Histogram', xTitle: 'latency, up to', yTitle: 'requests' }, bars),
    lineChart({ title: 'Percentiles', xTitle: 'percentile', yTitle: 'ms' }, curve),
    ...(overTime.length > 1
      ? [lineChart({ title: 'Throughput', xTitle: 'seconds', yTitle: 'requests/s' }, overTime)]
      : []),
  ].join('\n');
}

function poolTable(spread: BenchReport['pools'][number]): string {
  const { line, rows } = poolParts(spread);
  return `<h2>Pool ${escapeText(spread.pool)}</h2>
<p class="faint">${escapeText(line)}</p>
${table(['backend', 'picks', 'share', 'by weight', 'CPU'], rows)}`;
}

function loadTable({ loads: { generator, fairlead, backends, machine } }: BenchReport): string {
  const shown = (busy: number | null) => (busy === null ? 'unknown' : percent(busy));
  return table(
    ['generator, busiest process', 'Fairlead, of its workers', 'busiest backend, of a core', 'machine'],
    [[shown(generator), shown(fairlead), shown(backends), shown(machine)]],
  );
}
