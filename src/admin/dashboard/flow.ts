import type { BackendStatus } from '../schema.ts';
import type { ListenerTraffic, PoolTraffic } from '../traffic.ts';

/** A box of the picture. */
export interface FlowBox {
  readonly key: string;
  readonly kind: 'listener' | 'route' | 'pool' | 'backend' | 'rest';
  readonly title: string;
  /** What flows through it, each second. */
  readonly perSecond: number;
  /** What it is a part of, for its share; undefined where it is a part of nothing. */
  readonly ofPerSecond?: number;
  readonly tone: 'plain' | 'good' | 'warn' | 'bad' | 'idle';
  readonly x: number;
  readonly y: number;
}

/** A pipe between two boxes. */
export interface FlowPipe {
  readonly key: string;
  readonly from: FlowBox;
  readonly to: FlowBox;
  readonly perSecond: number;
  /** In the units of the picture. */
  readonly thickness: number;
}

/** The whole picture, in units of one pixel. */
export interface FlowPicture {
  readonly width: number;
  readonly height: number;
  readonly boxWidth: number;
  /** From the left side of a column to that of the next. */
  readonly columnStep: number;
  readonly boxes: readonly FlowBox[];
  readonly pipes: readonly FlowPipe[];
  /** What is not shown for want of room. */
  readonly hidden: number;
}

type LooseBox = Omit<FlowBox, 'x' | 'y'>;

/** Height of a box, and of a box with the room below it. */
export const BOX_HEIGHT = 38;
const STEP = 46;
/** Room above the boxes, for the heads of the columns. */
const HEAD_HEIGHT = 20;
const THICKEST = 16;
const THINNEST = 1;
const MOST_BACKENDS = 12;
const FEWEST_OF_A_POOL = 3;
const MOST_ROUTES = 14;
const LEAST_WIDTH = 680;
const GAP_SHARE = 0.11;

/** How a backend stands, in colours. */
export function toneOf({ health, state }: Pick<BackendStatus, 'health' | 'state'>): FlowBox['tone'] {
  if (state === 'disabled') return 'idle';
  if (health === 'down') return 'bad';
  if (health === 'ejected' || state === 'draining') return 'warn';
  return health === 'up' ? 'good' : 'idle';
}

function poolTone({ healthy, backends }: PoolTraffic): FlowBox['tone'] {
  if (backends.length === 0) return 'idle';
  if (healthy === 0) return 'bad';
  return backends.some((backend) => backend.state === 'enabled' && backend.health !== 'up') ? 'warn' : 'good';
}

/** The picture of what flows from listeners through routes and pools to backends. */
export class FlowDrawing {
  readonly #columns: LooseBox[][] = [[], [], [], []];
  readonly #pipes: { from: string; to: string; perSecond: number }[] = [];
  #hidden = 0;

  constructor(listeners: readonly ListenerTraffic[], pools: readonly PoolTraffic[]) {
    for (const listener of listeners) this.#addListener(listener);
    const mostOfOne = Math.max(FEWEST_OF_A_POOL, Math.floor(MOST_BACKENDS / Math.max(1, pools.length)));
    for (const pool of pools) this.#addPool(pool, mostOfOne);
  }

  #addListener({ name, protocol, requests, connections, routes, errors }: ListenerTraffic): void {
    const { perSecond } = protocol === 'http' ? requests : connections;
    const key = `listener ${name}`;
    this.#columns[0]!.push({
      key,
      kind: 'listener',
      title: name,
      perSecond,
      tone: errors.perSecond > 0 ? 'warn' : 'plain',
    });
    for (const route of routes) {
      if (this.#columns[1]!.length >= MOST_ROUTES) {
        this.#hidden++;
        continue;
      }
      const routeKey = `route ${JSON.stringify([name, route.name])}`;
      const hits = route.hits.perSecond;
      const tone = route.errors.perSecond > 0 ? 'warn' : 'plain';
      this.#columns[1]!.push({
        key: routeKey,
        kind: 'route',
        title: route.name,
        perSecond: hits,
        ofPerSecond: perSecond,
        tone,
      });
      this.#pipes.push({ from: key, to: routeKey, perSecond: hits });
      for (const to of route.pools)
        this.#pipes.push({ from: routeKey, to: `pool ${to.pool}`, perSecond: to.perSecond });
    }
  }

  /** Those that are not well are shown first: with hundreds of backends there is no room for all. */
  #addPool(pool: PoolTraffic, most: number): void {
    const { name, leases, backends } = pool;
    const key = `pool ${name}`;
    this.#columns[2]!.push({ key, kind: 'pool', title: name, perSecond: leases.perSecond, tone: poolTone(pool) });
    const badFirst = [
      ...backends.filter((backend) => toneOf(backend) !== 'good'),
      ...backends.filter((backend) => toneOf(backend) === 'good'),
    ];
    const picked = new Set(backends.length > most ? badFirst.slice(0, most - 1) : backends);
    const ofPerSecond = leases.perSecond;
    for (const backend of backends.filter((candidate) => picked.has(candidate))) {
      const { id, perSecond } = backend;
      this.#addEnd(key, {
        key: `backend ${JSON.stringify([name, id])}`,
        kind: 'backend',
        title: id,
        perSecond,
        ofPerSecond,
        tone: toneOf(backend),
      });
    }
    const rest = backends.filter((backend) => !picked.has(backend));
    if (rest.length === 0) return;
    const perSecond = rest.reduce((sum, backend) => sum + backend.perSecond, 0);
    this.#addEnd(key, {
      key: `rest ${name}`,
      kind: 'rest',
      title: `${rest.length} more`,
      perSecond,
      ofPerSecond,
      tone: 'plain',
    });
  }

  #addEnd(pool: string, box: LooseBox): void {
    this.#columns[3]!.push(box);
    this.#pipes.push({ from: pool, to: box.key, perSecond: box.perSecond });
  }

  /** Lays the picture out for a place so wide; it may become wider than that. */
  layOut(placeWidth: number): FlowPicture {
    const width = Math.max(LEAST_WIDTH, Math.floor(placeWidth));
    const gap = Math.round(width * GAP_SHARE);
    const boxWidth = Math.floor((width - 3 * gap) / 4);
    const columnStep = boxWidth + gap;
    const rows = Math.max(1, ...this.#columns.map((column) => column.length));
    const height = HEAD_HEIGHT + rows * STEP;
    const boxes = this.#columns.flatMap((column, n) => {
      const room = (rows * STEP) / Math.max(1, column.length);
      return column.map((box, row) => ({
        ...box,
        x: n * columnStep,
        y: HEAD_HEIGHT + (row + 0.5) * room - BOX_HEIGHT / 2,
      }));
    });
    const byKey = new Map(boxes.map((box) => [box.key, box]));
    const most = Math.max(1e-9, ...this.#pipes.map(({ perSecond }) => perSecond));
    const pipes = this.#pipes.flatMap(({ from, to, perSecond }): FlowPipe[] => {
      const [start, end] = [byKey.get(from), byKey.get(to)];
      if (start === undefined || end === undefined) return [];
      const thickness = perSecond > 0 ? Math.max(1.5, THICKEST * Math.sqrt(perSecond / most)) : THINNEST;
      return [{ key: `${from} > ${to}`, from: start, to: end, perSecond, thickness }];
    });
    return { width, height, boxWidth, columnStep, boxes, pipes, hidden: this.#hidden };
  }
}
