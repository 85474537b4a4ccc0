import type { BackendStatus, PoolStatus, Readiness, Status } from '../admin/schema.ts';
import type { Paint } from './colour.ts';
import { urlOf } from './listening.ts';
import { plain } from './plain.ts';
import { type Column, tableLines } from './table.ts';

/** What a running instance says of itself. */
export interface Overview {
  readonly status: Status;
  readonly readiness: Readiness;
  readonly pools: readonly PoolStatus[];
}

const columns: readonly Column[] = [
  { title: 'BACKEND' },
  { title: 'STATE' },
  { title: 'HEALTH' },
  { title: 'WEIGHT', right: true },
  { title: 'ACTIVE', right: true },
  { title: 'TOTAL', right: true },
  { title: 'FAILED', right: true },
  { title: 'P50', right: true },
  { title: 'P99', right: true },
  { title: 'WHY' },
];

/** A running instance for people. */
export function overviewText({ status, readiness, pools }: Overview, paint: Paint): string {
  const { version, node, pid, uptimeMs, generation, configPath, workers } = status;
  const ready = readiness.ready ? paint.green('ready') : paint.red(plain(`not ready: ${readiness.reasons.join('; ')}`));
  const serving = workers.filter(({ state }) => state === 'serving').length;
  const restarts = workers.reduce((sum, worker) => sum + worker.restarts, 0);
  const lines = [
    `${paint.bold(`fairlead ${version}`)}, ${ready}`,
    `pid ${pid}, Node ${node}, up ${inWords(uptimeMs)}, config ${plain(configPath ?? 'from code')} (generation ${generation})`,
    `${serving} of ${workers.length} workers serving${restarts === 0 ? '' : paint.yellow(`, ${restarts} restarts`)}`,
    '',
    ...listenerLines(status, paint),
    ...pools.flatMap((pool) => ['', ...poolLines(pool, paint)]),
  ];
  return `${lines.join('\n')}\n`;
}

function listenerLines({ listeners }: Status, paint: Paint): string[] {
  const rows = listeners.map((listener) => [
    listener.name,
    listener.addresses.map((address) => urlOf(listener, address)).join(', ') || '(not open)',
    String(listener.active),
    String(listener.total),
  ]);
  const titles = [
    { title: 'LISTENER' },
    { title: 'ADDRESS' },
    { title: 'OPEN', right: true },
    { title: 'TOTAL', right: true },
  ];
  return withDimTitles(tableLines(titles, rows), paint);
}

function poolLines(pool: PoolStatus, paint: Paint): string[] {
  const { name, algorithm, healthy, active, backends, changes, leaving } = pool;
  const count = `${healthy} of ${backends.length} usable`;
  const shown = healthy === 0 ? paint.red(count) : healthy < backends.length ? paint.yellow(count) : count;
  const [titles, ...rows] = tableLines(columns, backends.map(backendRow));
  return [
    `${paint.bold(plain(`pool ${name}`))}  ${algorithm}, ${shown}, ${active} active`,
    paint.dim(titles!),
    ...rows.map((row, n) => colourOf(backends[n]!, paint)(row)),
    ...changes.map((change) => paint.dim(plain(`  changed at run time: ${change}`))),
    ...leaving.map((id) => paint.dim(plain(`  is being removed: ${id}`))),
  ];
}

function backendRow({
  id,
  state,
  health,
  weight,
  effectiveWeight,
  active,
  total,
  failures,
  latencyMs,
  healthReason,
}: BackendStatus): string[] {
  const shown = effectiveWeight === weight ? String(weight) : `${effectiveWeight} of ${weight}`;
  const counts = [active, total, failures].map(String);
  return [id, state, health, shown, ...counts, milliseconds(latencyMs.p50), milliseconds(latencyMs.p99), healthReason];
}

function colourOf({ state, health }: BackendStatus, paint: Paint): (text: string) => string {
  if (health === 'down' || health === 'ejected') return paint.red;
  return state === 'enabled' ? (text) => text : paint.yellow;
}

function withDimTitles([titles, ...rows]: readonly string[], paint: Paint): string[] {
  return [paint.dim(titles ?? ''), ...rows];
}

/** Milliseconds with three digits that count, `-` for none. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return '-';
  if (ms >= 100) return `${ms.toFixed(0)}ms`;
  return `${ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)}ms`;
}

/** A time in its two largest units: `2d 3h`, `12m 5s`, `7s`. */
export function inWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0s';
  return parts
    .slice(first, first + 2)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}
