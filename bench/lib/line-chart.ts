/** A line of the chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** `ideal` is a dashed line without markers; the others differ in colour and in the shape of their markers. */
  readonly style: 'ideal' | 'first' | 'second';
  /** Written at the last point, such as the factor that was reached. */
  readonly endLabel?: string;
}

/** A chart of lines over whole numbers. Both axes start at 0. */
export interface LineChart {
  readonly title: string;
  readonly subtitle: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly Series[];
}

const WIDTH = 760;
const HEIGHT = 460;
const PLOT = { left: 84, top: 96, right: WIDTH - 92, bottom: HEIGHT - 62 } as const;
const MOST_Y_LINES = 5;

// An SVG inside <img> sees the reader's colour scheme but not the page's, so the chart brings its own ground.
const STYLE = `
  svg { --ground: #ffffff; --ink: #1f2328; --faint: #59636e; --grid: #d8dee4; --first: #0969da; --second: #bc4c00; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --ink: #e6edf3; --faint: #9198a1; --grid: #30363d; --first: #58a6ff; --second: #ffa657; }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--ink); }
  .title { font-size: 17px; font-weight: 600; }
  .faint { fill: var(--faint); }
  .ground { fill: var(--ground); }
  .grid { stroke: var(--grid); stroke-width: 1; }
  .line { fill: none; stroke-width: 2.5; }
  .ideal { stroke: var(--faint); stroke-width: 1.5; stroke-dasharray: 6 5; }
  .first { stroke: var(--first); }
  .second { stroke: var(--second); }
  .mark { fill: var(--ground); stroke-width: 2.5; }
  .first-text { fill: var(--first); font-weight: 600; }
  .second-text { fill: var(--second); font-weight: 600; }
`;

/** Escapes text for XML content and attributes. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The distance of grid lines: the least of 1, 2, 2.5, 4, 5 and 10 times a power of ten that needs at most five. */
export function gridStep(most: number): number {
  const raw = Math.max(most, Number.MIN_VALUE) / MOST_Y_LINES;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 2.5, 4, 5, 10].find((factor) => raw <= factor * power * (1 + 1e-9))!;
}

interface Scale {
  x(value: number): number;
  y(value: number): number;
  readonly xs: readonly number[];
  readonly step: number;
  readonly lines: number;
}

function scaleOf(series: readonly Series[]): Scale {
  const points = series.flatMap((each) => each.points);
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const most = Math.max(1, ...points.map(([, y]) => y));
  const step = gridStep(most);
  const lines = Math.ceil(most / step - 1e-9);
  const place = (value: number, end: number, from: number, to: number) =>
    Math.round((from + (value / end) * (to - from)) * 10) / 10;
  return {
    x: (value) => place(value, xs.at(-1) ?? 1, PLOT.left, PLOT.right),
    y: (value) => place(value, step * lines, PLOT.bottom, PLOT.top),
    xs,
    step,
    lines,
  };
}

function text(at: readonly [x: number, y: number], content: string, attributes = ''): string {
  return `<text x="${at[0]}" y="${at[1]}"${attributes && ` ${attributes}`}>${escapeXml(content)}</text>`;
}

function axes(chart: LineChart, scale: Scale): string[] {
  const lines: string[] = [];
  for (let i = 0; i <= scale.lines; i++) {
    const value = scale.step * i;
    const y = scale.y(value);
    lines.push(`<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y}" y2="${y}"/>`);
    lines.push(text([PLOT.left - 10, y + 4], value.toLocaleString('en-US'), 'class="faint" text-anchor="end"'));
  }
  for (const x of scale.xs) {
    lines.push(text([scale.x(x), PLOT.bottom + 22], String(x), 'class="faint" text-anchor="middle"'));
  }
  const middle = (PLOT.top + PLOT.bottom) / 2;
  lines.push(text([(PLOT.left + PLOT.right) / 2, HEIGHT - 16], chart.xTitle, 'text-anchor="middle"'));
  lines.push(text([20, middle], chart.yTitle, `text-anchor="middle" transform="rotate(-90 20 ${middle})"`));
  return lines;
}

// The second series is drawn as larger diamonds under the first's circles: on a good day all lie on one line.
function marker(style: Series['style'], x: number, y: number): string {
  if (style === 'first') return `<circle class="mark first" cx="${x}" cy="${y}" r="4"/>`;
  return `<path class="mark second" d="M${x} ${y - 9}L${x + 9} ${y}L${x} ${y + 9}L${x - 9} ${y}Z"/>`;
}

function drawSeries(series: Series, scale: Scale): string[] {
  const at = series.points.map(([x, y]) => [scale.x(x), scale.y(y)] as const);
  const lines = [`<path class="line ${series.style}" d="M${at.map(([x, y]) => `${x} ${y}`).join('L')}"/>`];
  if (series.style !== 'ideal') lines.push(...at.map(([x, y]) => marker(series.style, x, y)));
  return lines;
}

// Labels at the ends keep 18 px between them, so that two series that end together can both be read.
function endLabels(all: readonly Series[], scale: Scale): string[] {
  let lowest = Number.NEGATIVE_INFINITY;
  return all.flatMap((series) => {
    const last = series.points.at(-1);
    if (series.endLabel === undefined || last === undefined) return [];
    lowest = Math.max(scale.y(last[1]) - 4, lowest + 18);
    return [text([scale.x(last[0]) + 14, lowest], series.endLabel, `class="${series.style}-text"`)];
  });
}

function legend(all: readonly Series[]): string[] {
  return all.flatMap((series, i) => {
    const x = PLOT.left + 14 + i * 130;
    const y = PLOT.top - 18;
    const sample = `<path class="line ${series.style}" d="M${x} ${y - 4}L${x + 28} ${y - 4}"/>`;
    return [sample, text([x + 36, y], series.name)];
  });
}

/** Draws the chart as a stand-alone SVG document that reads on light and on dark ground. */
export function lineChart(chart: LineChart): string {
  const scale = scaleOf(chart.series);
  const [ideal, measured] = [chart.series.filter(isIdeal), chart.series.filter((series) => !isIdeal(series))];
  const body = [
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    text([24, 30], chart.title, 'class="title"'),
    text([24, 50], chart.subtitle, 'class="faint"'),
    ...axes(chart, scale),
    ...[...ideal, ...measured.toReversed()].flatMap((series) => drawSeries(series, scale)),
    ...legend(chart.series),
    ...endLabels(measured, scale),
  ];
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`;
  return `${open} role="img" aria-label="${escapeXml(chart.title)}">\n<style>${STYLE}</style>\n${body.join('\n')}\n</svg>\n`;
}

function isIdeal(series: Series): boolean {
  return series.style === 'ideal';
}
