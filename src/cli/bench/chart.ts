/** A chart of a report: an inline SVG that takes its colours from the page. */
export interface Chart {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
}

/** A point, and how its x is written where it has a mark on the axis. */
export interface Point {
  readonly x: string;
  readonly y: number;
}

const WIDTH = 720;
const HEIGHT = 300;
const PLOT = { left: 70, top: 40, right: WIDTH - 20, bottom: HEIGHT - 56 } as const;
const GRID_LINES = 4;
const MOST_X_LABELS = 12;

/** Text as it may stand in a page. */
export function escapeText(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (sign) => names[sign]!);
}

/** Bars side by side. */
export function barChart(chart: Chart, points: readonly Point[]): string {
  const scale = scaleOf(points);
  const width = (PLOT.right - PLOT.left) / Math.max(1, points.length);
  const bars = points.map(({ y }, n) => {
    const top = scale.y(y);
    const box = `x="${(PLOT.left + n * width + 1).toFixed(1)}" y="${top.toFixed(1)}" width="${Math.max(1, width - 2).toFixed(1)}"`;
    return `<rect class="bar" ${box} height="${(PLOT.bottom - top).toFixed(1)}"/>`;
  });
  const labels = labelled(points, (n) => PLOT.left + (n + 0.5) * width);
  return svg(chart, [...gridOf(scale), ...bars, ...labels]);
}

/** A line through points at even distances. */
export function lineChart(chart: Chart, points: readonly Point[], ideal: readonly number[] = []): string {
  const scale = scaleOf([...points, ...ideal.map((y) => ({ x: '', y }))]);
  const step = (PLOT.right - PLOT.left) / Math.max(1, points.length - 1);
  const at = (n: number) => PLOT.left + n * step;
  const path = (ys: readonly number[]) => ys.map((y, n) => `${at(n).toFixed(1)},${scale.y(y).toFixed(1)}`).join(' ');
  const lines = [
    ...(ideal.length > 0 ? [`<polyline class="ideal" points="${path(ideal)}"/>`] : []),
    `<polyline class="line" points="${path(points.map(({ y }) => y))}"/>`,
  ];
  return svg(chart, [...gridOf(scale), ...lines, ...labelled(points, at)]);
}

interface Scale {
  readonly top: number;
  y(value: number): number;
}

/** From 0 to the next round number above the highest point. */
function scaleOf(points: readonly Point[]): Scale {
  const most = Math.max(...points.map(({ y }) => y), Number.MIN_VALUE);
  const power = 10 ** Math.floor(Math.log10(most));
  const top = [1, 2, 4, 5, 8, 10].find((factor) => most <= factor * power)! * power;
  return { top, y: (value) => PLOT.bottom - (value / top) * (PLOT.bottom - PLOT.top) };
}

function gridOf({ top, y }: Scale): string[] {
  return Array.from({ length: GRID_LINES + 1 }, (_, n) => {
    const value = (top * n) / GRID_LINES;
    const line = `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(value)}" y2="${y(value)}"/>`;
    return `${line}<text class="tick" text-anchor="end" x="${PLOT.left - 8}" y="${y(value) + 4}">${shortNumber(value)}</text>`;
  });
}

function shortNumber(value: number): string {
  return value >= 10_000 ? `${Number((value / 1000).toFixed(1))}k` : String(Number(value.toPrecision(3)));
}

function labelled(points: readonly Point[], at: (n: number) => number): string[] {
  const every = Math.ceil(points.length / MOST_X_LABELS);
  return points.flatMap(({ x }, n) =>
    n % every === 0
      ? [
          `<text class="tick" text-anchor="middle" x="${at(n).toFixed(1)}" y="${PLOT.bottom + 18}">${escapeText(x)}</text>`,
        ]
      : [],
  );
}

function svg({ title, xTitle, yTitle }: Chart, parts: readonly string[]): string {
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(`${title}: ${yTitle} by ${xTitle}`)}">`,
    `<text class="title" x="${PLOT.left}" y="22">${escapeText(title)}</text>`,
    ...parts,
    `<text class="tick" text-anchor="middle" x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 14}">${escapeText(xTitle)}</text>`,
    `<text class="tick" text-anchor="end" x="${PLOT.right}" y="22">${escapeText(yTitle)}</text>`,
    '</svg>',
  ].join('\n');
}
