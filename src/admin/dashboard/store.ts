import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import type { FairleadEvent } from '../events.ts';
import type { Status, TrafficHistory } from '../schema.ts';
import type { BackendTraffic, ListenerTraffic, PoolTraffic, Traffic } from '../traffic.ts';
import { addPoint, type Columns, emptyColumns, joinHistory } from './columns.ts';
import { announceHealth } from './notices.ts';
import { ask } from './session.ts';
import type { ServerEvent } from './sse.ts';

/** An event of the list. */
export interface ListedEvent {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: FairleadEvent;
}

const MOST_EVENTS = 300;

/** What flows now; undefined until the first news. */
export const traffic = signal<Traffic | undefined>(undefined);
/** The process: asked once for each connection to it. */
export const status = signal<Status | undefined>(undefined);
/** What happened, the latest first. */
export const events = signal<readonly ListedEvent[]>([]);

/** Pools by name. */
export const pools: ReadonlySignal<ReadonlyMap<string, PoolTraffic>> = computed(
  () => new Map(traffic.value?.pools.map((pool) => [pool.name, pool])),
);
/** Names of the pools; the same list until one comes or goes. */
export const poolNames = steady(() => [...pools.value.keys()]);
/** Listeners by name. */
export const listeners: ReadonlySignal<ReadonlyMap<string, ListenerTraffic>> = computed(
  () => new Map(traffic.value?.listeners.map((listener) => [listener.name, listener])),
);
/** Names of the listeners; the same list until one comes or goes. */
export const listenerNames = steady(() => [...listeners.value.keys()]);

const backendMaps = new Map<string, ReadonlySignal<ReadonlyMap<string, BackendTraffic>>>();
const columns = new Map<string, Columns>();
const asked = new Set<string>();
/** Grows with every change of what charts draw. */
export const chartsChanged = signal(0);

/** A list that stays the same object while its entries do, so that nothing is drawn again for nothing. */
export function steady(list: () => readonly string[]): ReadonlySignal<readonly string[]> {
  let before: readonly string[] = [];
  return computed(() => {
    const now = list();
    if (now.length !== before.length || now.some((entry, n) => entry !== before[n])) before = now;
    return before;
  });
}

/** The backends of a pool by their ids. */
export function backendsOf(pool: string): ReadonlySignal<ReadonlyMap<string, BackendTraffic>> {
  let map = backendMaps.get(pool);
  if (map === undefined) {
    map = computed(() => new Map(pools.value.get(pool)?.backends.map((backend) => [backend.id, backend])));
    backendMaps.set(pool, map);
  }
  return map;
}

/** What the chart of a pool draws. The first time it asks the server for what that remembers. */
export function columnsOf(pool: string): Columns {
  const known = columns.get(pool) ?? emptyColumns();
  columns.set(pool, known);
  if (!asked.has(pool)) {
    asked.add(pool);
    void ask('GET', `/api/pools/${encodeURIComponent(pool)}/traffic`).then(({ ok, body }) => {
      if (!ok) return;
      columns.set(pool, joinHistory(body as TrafficHistory, columns.get(pool) ?? emptyColumns()));
      chartsChanged.value++;
    });
  }
  return known;
}

/** Takes an event of the stream in. */
export function hear({ event: kind, data }: ServerEvent): void {
  if (kind === 'traffic') return hearTraffic(JSON.parse(data) as Traffic);
  const event = JSON.parse(data) as FairleadEvent;
  if (event.id !== null) list(event, event.id);
}

function hearTraffic(now: Traffic): void {
  for (const pool of now.pools) {
    const known = columns.get(pool.name);
    if (known !== undefined && now.seconds > 0) addPoint(known, now.at, pool);
  }
  // A page that nobody sees need not be drawn; what it has missed is in the columns.
  if (document.hidden && traffic.peek() !== undefined) return;
  batch(() => {
    traffic.value = now;
    chartsChanged.value++;
  });
}

function list(event: FairleadEvent, key: string): void {
  const known = events.peek();
  if (known.some((listed) => listed.key === key)) return;
  const at = Date.parse(event.at);
  events.value = [{ key, at, event }, ...known].slice(0, MOST_EVENTS);
  // What a page is told at its beginning is no news.
  if (event.kind === 'health' && traffic.peek() !== undefined) announceHealth(event, at);
}

/** Asks again what is told only when asked for. */
export async function refreshStatus(): Promise<void> {
  const { ok, body } = await ask('GET', '/api/status');
  if (ok) status.value = body as Status;
}
