import type { BackendStatus, PoolStatus } from '../../admin/schema.ts';
import type { BackendChange, BackendName, ChangedBackend } from '../admin-client.ts';
import type { Overview } from '../status-text.ts';

/** What a running instance said at a time. */
export interface Snapshot extends Overview {
  /** In ms, from an arbitrary start. */
  readonly atMs: number;
}

/** What the rows are sorted by; in file order first. */
export const sortings = ['file', 'name', 'status', 'active', 'rate', 'failures', 'p99'] as const;

/** A backend as a row. */
export interface Row {
  readonly name: BackendName;
  readonly backend: BackendStatus;
  /** Picks a second since the snapshot before; null without one. */
  readonly rate: number | null;
  readonly failureRate: number | null;
  /** Part of the pool's picks since then. */
  readonly share: number | null;
}

/** What somebody at the keys wants of a backend. */
export interface Wish {
  readonly name: BackendName;
  /** The version of its pool that they have before their eyes: what another has changed since must not be lost. */
  readonly version: string;
  readonly to: Pick<BackendStatus, 'state'> | { readonly weightBy: number };
}

/** What is to be asked before it is done. */
export interface Question {
  readonly text: string;
  readonly wish: Wish;
}

/** All that is on the screen. */
export interface View {
  readonly now: Snapshot;
  readonly before: Snapshot | undefined;
  readonly sort: (typeof sortings)[number];
  readonly reversed: boolean;
  /** Which row is chosen, by pool and backend, so that it stays chosen when the order changes. */
  readonly chosen: BackendName | undefined;
  readonly help: boolean;
  readonly question: Question | undefined;
  /** What happened last, or went wrong. */
  readonly message: string;
}

/** What a key leads to. */
export interface Pressed {
  readonly view: View;
  readonly quit?: boolean;
  readonly wish?: Wish;
}

/** The first view of an instance. */
export function firstView(now: Snapshot): View {
  const rest = { reversed: false, chosen: undefined, help: false, question: undefined, message: '' };
  return { now, before: undefined, sort: 'file', ...rest };
}

/** The rows in their order. */
export function rowsOf({ now, before, sort, reversed }: View): Row[] {
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000;
  const rows = now.pools.flatMap(({ name: pool, backends }) => {
    const earlier = new Map(before?.pools.find((one) => one.name === pool)?.backends.map((one) => [one.id, one]));
    const since = (backend: BackendStatus, of: 'total' | 'failures'): number | null => {
      const was = earlier.get(backend.id);
      return was === undefined || seconds <= 0 ? null : Math.max(0, backend[of] - was[of]) / seconds;
    };
    const all = backends.reduce((sum, backend) => sum + (since(backend, 'total') ?? 0), 0);
    return backends.map((backend): Row => {
      const rate = since(backend, 'total');
      const share = rate === null || all === 0 ? null : rate / all;
      return { name: { pool, backend: backend.id }, backend, rate, failureRate: since(backend, 'failures'), share };
    });
  });
  const sorted = sort === 'file' ? rows : rows.sort((a, b) => compare(keyOf(a, sort), keyOf(b, sort)));
  return reversed ? sorted.reverse() : sorted;
}

/** Numbers are sorted with the largest first, as one looks for them. */
function keyOf({ name, backend, rate, failureRate }: Row, sort: Exclude<View['sort'], 'file'>): string | number {
  switch (sort) {
    case 'name':
      return `${name.pool}/${name.backend}`;
    case 'status':
      return statusOf(backend);
    case 'active':
      return -backend.active;
    case 'rate':
      return -(rate ?? 0);
    case 'failures':
      return -(failureRate ?? 0);
    case 'p99':
      return -(backend.latencyMs.p99 ?? 0);
  }
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What is to be known of a backend in one word: what the operator wants, or else its health. */
export function statusOf({ state, health }: BackendStatus): string {
  return state === 'enabled' ? health : state;
}

/** The number of the chosen row; the first when none is, or it is gone. */
export function chosenIndex(view: View, rows: readonly Row[]): number {
  const { chosen } = view;
  return Math.max(
    0,
    rows.findIndex(({ name }) => name.pool === chosen?.pool && name.backend === chosen.backend),
  );
}

const PAGE = 10;
const moves: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  'page-up': -PAGE,
  'page-down': PAGE,
  home: Number.NEGATIVE_INFINITY,
  end: Number.POSITIVE_INFINITY,
};

/** What a key does. What takes load away from a backend is asked first. */
export function press(view: View, key: string): Pressed {
  if (key === 'ctrl-c' || (key === 'q' && view.question === undefined)) return { view, quit: true };
  if (view.question !== undefined) return answer(view, view.question, key);
  if (view.help) return { view: { ...view, help: false } };
  const rows = rowsOf(view);
  const at = chosenIndex(view, rows);
  const move = moves[key];
  if (move !== undefined) {
    const to = Math.min(Math.max(0, at + move), rows.length - 1);
    return { view: { ...view, chosen: rows[to]?.name, message: '' } };
  }
  switch (key) {
    case 'h':
    case '?':
      return { view: { ...view, help: true } };
    case 's': {
      const sort = sortings[(sortings.indexOf(view.sort) + 1) % sortings.length]!;
      return { view: { ...view, sort, message: '' } };
    }
    case 'r':
      return { view: { ...view, reversed: !view.reversed, message: '' } };
    default:
      return rows[at] === undefined ? { view } : act({ ...view, chosen: rows[at].name }, rows[at], key);
  }
}

function act(view: View, { name, backend }: Row, key: string): Pressed {
  const called = `${name.pool}/${name.backend}`;
  const { version } = poolOf(view.now, name)!;
  const wish = (to: Wish['to']): Wish => ({ name, version, to });
  switch (key) {
    case 'd':
      return asked(view, { text: `Drain ${called}?`, wish: wish({ state: 'draining' }) });
    case 'x':
      return asked(view, { text: `Disable ${called}?`, wish: wish({ state: 'disabled' }) });
    case 'e':
      return { view: { ...view, message: `enabling ${called}` }, wish: wish({ state: 'enabled' }) };
    case '+':
      return { view, wish: wish({ weightBy: 1 }) };
    case '-':
      return backend.weight === 0 ? { view } : { view, wish: wish({ weightBy: -1 }) };
    default:
      return { view };
  }
}

function asked(view: View, question: Question): Pressed {
  return { view: { ...view, question } };
}

function answer(view: View, { wish }: Question, key: string): Pressed {
  const next = { ...view, question: undefined, message: '' };
  return key === 'y' || key === 'enter' ? { view: next, wish } : { view: next };
}

function poolOf({ pools }: Snapshot, { pool: name }: BackendName): PoolStatus | undefined {
  return pools.find((pool) => pool.name === name);
}

/** The change that fulfils a wish, as things are now; undefined when the backend is gone. */
export function changeFor(now: Snapshot, { name, to }: Wish): BackendChange | undefined {
  const backend = poolOf(now, name)?.backends.find(({ id }) => id === name.backend);
  if (backend === undefined) return undefined;
  return 'state' in to ? to : { weight: Math.max(0, backend.weight + to.weightBy) };
}

/** A snapshot with what a change has made of a backend and of its pool. */
export function withChanged(now: Snapshot, name: BackendName, { backend, version }: ChangedBackend): Snapshot {
  const changed = (pool: PoolStatus): PoolStatus => ({
    ...pool,
    version: version ?? pool.version,
    backends: pool.backends.map((one) => (one.id === name.backend ? backend : one)),
  });
  return { ...now, pools: now.pools.map((pool) => (pool.name === name.pool ? changed(pool) : pool)) };
}
