import type { Paint } from '../colour.ts';
import { plain } from '../plain.ts';
import { inWords, milliseconds } from '../status-text.ts';
import { chosenIndex, type Row, rowsOf, statusOf, type View } from './view.ts';

/** How large the screen is, in characters. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

interface Column {
  readonly title: string;
  readonly width: number;
  text(row: Row): string;
  /** So wide must the screen be for it. */
  readonly from: number;
}

const NAME_LEAST = 12;

const columns: readonly Column[] = [
  { title: 'STATUS', width: -8, from: 0, text: ({ backend }) => statusOf(backend) },
  { title: 'WT', width: 3, from: 0, text: ({ backend }) => String(backend.weight) },
  { title: 'ACTIVE', width: 6, from: 0, text: ({ backend }) => short(backend.active) },
  { title: 'REQ/S', width: 7, from: 0, text: ({ rate }) => rateText(rate) },
  { title: 'SHARE', width: 6, from: 92, text: ({ share }) => (share === null ? '-' : `${(share * 100).toFixed(1)}%`) },
  { title: 'FAIL/S', width: 6, from: 0, text: ({ failureRate }) => rateText(failureRate) },
  { title: 'P50', width: 7, from: 0, text: ({ backend }) => milliseconds(backend.latencyMs.p50) },
  { title: 'P99', width: 7, from: 0, text: ({ backend }) => milliseconds(backend.latencyMs.p99) },
  { title: 'TOTAL', width: 8, from: 104, text: ({ backend }) => short(backend.total) },
  { title: ' WHY', width: -28, from: 140, text: ({ backend }) => ` ${backend.healthReason}` },
];

const help = [
  'up, down, j, k   choose a backend; also page up and down, home, end',
  's                sort by the next of: file order, name, status, active,',
  '                 requests/s, failures/s, p99',
  'r                reverse the order',
  'd                drain the chosen backend: no new clients',
  'x                disable it: nothing new at all',
  'e                enable it again',
  '+, -             raise and lower its weight by one',
  'h, ?             this; any key goes back',
  'q, Ctrl-C        quit',
];

/** The lines of the screen, as many as it has and none wider than it is. */
export function renderTop(view: View, size: ScreenSize, paint: Paint): string[] {
  const head = headLines(view, size, paint);
  const foot = footLine(view, size, paint);
  const room = Math.max(0, size.rows - head.length - 1);
  const body = view.help
    ? help.map((line) => clip(`  ${line}`, size.columns))
    : tableLines(view, { ...size, rows: room }, paint);
  const shown = body.slice(0, room);
  return [...head, ...shown, ...Array<string>(room - shown.length).fill(''), foot].slice(0, size.rows);
}

function headLines({ now, before }: View, { columns: width }: ScreenSize, paint: Paint): string[] {
  const { status, readiness } = now;
  const serving = status.workers.filter(({ state }) => state === 'serving').length;
  const facts = `up ${inWords(status.uptimeMs)}, generation ${status.generation}, ${serving}/${status.workers.length} workers`;
  const title = `fairlead ${status.version}  `;
  const ready = readiness.ready ? 'ready' : `not ready: ${readiness.reasons.join('; ')}`;
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000;
  const listeners = status.listeners.map(({ name, active, total }) => {
    const was = before?.status.listeners.find((one) => one.name === name);
    const rate =
      was === undefined || seconds <= 0 ? '' : `, ${rateText(Math.max(0, total - was.total) / seconds)} new/s`;
    return `${name} ${short(active)} open${rate}`;
  });
  const state = clip(ready, Math.max(0, width - title.length - facts.length - 2));
  const gap = ' '.repeat(Math.max(2, width - title.length - state.length - facts.length));
  return [
    `${paint.bold(clip(title, width))}${readiness.ready ? paint.green(state) : paint.red(state)}${clip(gap + facts, Math.max(0, width - title.length - state.length))}`,
    paint.dim(clip(listeners.join(' | '), width)),
    '',
  ];
}

function tableLines(view: View, size: ScreenSize, paint: Paint): string[] {
  const shown = columns.filter(({ from }) => size.columns >= from);
  const rest = shown.reduce((sum, { width }) => sum + Math.abs(width) + 1, 0);
  const nameWidth = Math.max(NAME_LEAST, size.columns - rest);
  const line = (name: string, texts: readonly string[]): string => {
    const cells = shown.map(({ width }, n) => {
      const text = clip(texts[n]!, Math.abs(width));
      return width < 0 ? text.padEnd(-width) : text.padStart(width);
    });
    return clip([clip(name, nameWidth).padEnd(nameWidth), ...cells].join(' '), size.columns).padEnd(size.columns);
  };
  const rows = rowsOf(view);
  const at = chosenIndex(view, rows);
  const room = Math.max(1, size.rows - 1);
  // The chosen row stays in sight, near the middle of long lists.
  const first = Math.max(0, Math.min(at - Math.floor(room / 2), rows.length - room));
  const titles = line(
    'POOL/BACKEND',
    shown.map(({ title }) => title),
  );
  return [
    paint.dim(titles),
    ...rows.slice(first, first + room).map((row, n) => {
      const text = line(
        `${row.name.pool}/${row.name.backend}`,
        shown.map((column) => column.text(row)),
      );
      return first + n === at ? paint.inverse(text) : colourOf(row, paint)(text);
    }),
  ];
}

function colourOf({ backend }: Row, paint: Paint): (text: string) => string {
  if (backend.health === 'down' || backend.health === 'ejected') return paint.red;
  return backend.state === 'enabled' ? (text) => text : paint.yellow;
}

function footLine({ question, message, sort, reversed }: View, { columns: width }: ScreenSize, paint: Paint): string {
  if (question !== undefined) return paint.yellow(clip(`${question.text} y/n`, width));
  if (message !== '') return paint.yellow(clip(message, width));
  const order = `by ${sort === 'file' ? 'file order' : sort}${reversed ? ', reversed' : ''}`;
  return paint.dim(clip(`q quit  h help  s sort  d drain  x disable  e enable  +/- weight   ${order}`, width));
}

/** A text that is not longer than this; the end of a longer one is an ellipsis. */
function clip(text: string, width: number): string {
  const line = plain(text);
  if (line.length <= width) return line;
  return width <= 0 ? '' : `${line.slice(0, width - 1)}…`;
}

function rateText(rate: number | null): string {
  if (rate === null) return '-';
  return rate >= 100 || rate === 0 ? short(Math.round(rate)) : rate.toFixed(1);
}

/** A count in at most six characters: 99999, 100k, 12.3M. */
function short(count: number): string {
  if (count < 100_000) return String(count);
  if (count < 1_000_000) return `${Math.floor(count / 1000)}k`;
  if (count < 1e9) return `${(count / 1e6).toFixed(1)}M`;
  return `${(count / 1e9).toFixed(1)}G`;
}
