import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Columns } from './columns.ts';
import { clockTime, latency, plural, rate } from './format.ts';
import { chartsChanged, columnsOf, pools } from './store.ts';

interface Line {
  readonly column: Exclude<keyof Columns, 'seconds'>;
  readonly title: string;
  /** The CSS property that holds its colour. */
  readonly color: string;
  readonly filled?: boolean;
}

const loadLines: readonly Line[] = [
  { column: 'leases', title: 'load', color: '--line-1', filled: true },
  { column: 'failures', title: 'failed tries', color: '--line-3' },
  { column: 'errors', title: 'errors', color: '--line-4' },
];
const latencyLines: readonly Line[] = [
  { column: 'p99', title: 'p99', color: '--line-2' },
  { column: 'p50', title: 'p50', color: '--line-1' },
];

const HEIGHT = 150;
const LEAST_SPAN_S = 120;
/** Steps of the time axis, in s. */
const MINUTES = [60, 120, 300, 600];
/** Grows when the colours of the page change. */
const themeChanged = signal(0);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => themeChanged.value++);

/** The charts of a pool: its load and its latency over the last minutes. */
export function PoolCharts({ name, visible }: { name: string; visible: boolean }) {
  return (
    <div class="charts">
      <Chart pool={name} visible={visible} title="Load, per second" lines={loadLines} unit={rate} />
      <Chart pool={name} visible={visible} title="Latency" lines={latencyLines} unit={latency} byTens />
    </div>
  );
}

interface ChartProps {
  readonly pool: string;
  readonly visible: boolean;
  readonly title: string;
  readonly lines: readonly Line[];
  readonly unit: (value: number) => string;
  /** True where each step up is ten times as much. */
  readonly byTens?: boolean;
}

function Chart(props: ChartProps) {
  const { pool, visible, title, lines, unit } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const theme = themeChanged.value;
  const news = visible ? chartsChanged.value : -1;
  useEffect(() => {
    if (!visible) return undefined;
    const made = new uPlot(options(place.current!, props), dataOf(pool, lines), place.current!);
    plot.current = made;
    const observer = new ResizeObserver(([entry]) => made.setSize({ width: entry!.contentRect.width, height: HEIGHT }));
    observer.observe(place.current!);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [visible, theme, pool]);
  useEffect(() => {
    plot.current?.setData(dataOf(pool, lines));
  }, [news]);
  return (
    <figure class="chart" aria-label={`${title} of ${pool}: ${visible ? inWords(pool, lines, unit) : ''}`}>
      <figcaption>
        {title}
        {lines.map((line) => (
          <span key={line.column} class={`key ${line.column}`}>
            {line.title}
          </span>
        ))}
      </figcaption>
      <div class="plot" ref={place} />
    </figure>
  );
}

function dataOf(pool: string, lines: readonly Line[]): uPlot.AlignedData {
  const columns = columnsOf(pool);
  return [columns.seconds, ...lines.map(({ column }) => columns[column])];
}

/** What the chart shows at its right end, and the minutes that it covers. */
function inWords(pool: string, lines: readonly Line[], unit: (value: number) => string): string {
  const columns = columnsOf(pool);
  const minutes = Math.round(((columns.seconds.at(-1) ?? 0) - (columns.seconds[0] ?? 0)) / 60);
  const now = lines.map(({ title, column }) => `${title} ${inUnit(columns[column].at(-1), unit)}`);
  return pools.peek().has(pool) ? `${now.join(', ')}; covers ${plural(minutes, 'minute')}` : '';
}

function inUnit(value: number | null | undefined, unit: (value: number) => string): string {
  return value === null || value === undefined ? 'none' : unit(value);
}

/** The powers of ten around a range: a percentile far above another must not press it to the floor. */
function wholeTens(min: number, max: number): [number, number] {
  const [from, to] = [Math.floor(Math.log10(Math.max(min, 1e-3))), Math.ceil(Math.log10(Math.max(max, 1e-3)))];
  return [10 ** from, 10 ** Math.max(to, from + 1)];
}

function options(place: HTMLElement, { lines, unit, byTens = false }: ChartProps): uPlot.Options {
  const styles = getComputedStyle(place);
  const color = (name: string) => styles.getPropertyValue(name).trim();
  const grid = { stroke: color('--grid'), width: 1 };
  const axis = { stroke: color('--soft'), font: `11px ${styles.fontFamily}`, grid, ticks: { show: false } };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: (_plot, min, max) => [Math.min(min ?? 0, (max ?? 0) - LEAST_SPAN_S), max ?? 0] },
      y: byTens
        ? { distr: 3, range: (_plot, min, max) => wholeTens(min ?? 1, max ?? 10) }
        : { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        space: 60,
        incrs: MINUTES,
        values: (_plot, at) => at.map((second) => clockTime(second * 1000).slice(0, 5)),
      },
      {
        ...axis,
        size: 58,
        space: 34,
        values: (_plot, ticks) => ticks.map((tick) => (tick === null ? '' : unit(tick))),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: color(line.color),
        width: 1.5,
        points: { show: false },
        ...(line.filled === true ? { fill: color(line.color).replace('rgb(', 'rgba(').replace(')', ', 0.13)') } : {}),
      })),
    ],
  };
}
