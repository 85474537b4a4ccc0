import type { RequestHead } from '../http1/request-head.ts';
import type { Meters } from '../observe/meters.ts';
import type { PickHint } from '../pick/balancer.ts';
import { hash53, highHalf, mix53 } from '../pick/text-hash.ts';
import type { Backend } from '../pool/backend.ts';
import type { Acquired } from '../pool/pool.ts';
import type { SessionTable } from '../pool/session-table.ts';
import type { PoolSite, Seat } from './deps.ts';
import { CookieBook } from './sticky-cookie.ts';
import { type AnswerWatch, type KeyPlace, keyListener, keyReader, type ReadKey } from './sticky-key.ts';

/** How a route keeps sessions on their backends: plain data, sent from the control plane. */
export interface StickyPlan extends KeyPlace {
  /** How long a session lives without a request, in ms; 0 for no limit. */
  readonly ttlMs: number;
  /** Of cookies: '' for none. */
  readonly secret: string;
}

/** What became of a request on a sticky route: the values of a label. */
export type StickyResult = 'new' | 'kept' | 'moved' | 'spilled';

/** What a sticky route needs around it. */
export interface StickyDeps {
  readonly sessions: SessionTable;
  readonly meters: Meters;
  readonly labels: { readonly listener: string; readonly route: string };
  /** The listener speaks TLS. */
  readonly secure: boolean;
  /** The time of day, in ms. */
  wallNow(): number;
}

/** Gives the pool for a request that is on no backend. */
type ChoosePool = () => PoolSite | undefined;

/**
 * For so long requests that still come with the cookie of a backend that is gone follow the first of them to where it
 * went, in ms: a page asks for many things at once, and they belong together.
 */
const FOLLOW_MS = 10_000;

/** The sessions of a route. */
export class Sticky {
  readonly plan: StickyPlan;
  readonly seats: readonly Seat[];
  readonly cookies: CookieBook<Seat> | undefined;
  readonly sessions: SessionTable;
  readonly readKey: ReadKey;
  readonly #deps: StickyDeps;
  readonly #byNumber: ReadonlyMap<number, Seat>;
  readonly #byBackend: ReadonlyMap<Backend, Seat>;
  readonly #scope: number;
  readonly #cells = new Map<StickyResult, number>();

  /** `pools` are those that the route leads to. */
  constructor(plan: StickyPlan, pools: readonly PoolSite[], deps: StickyDeps) {
    this.plan = plan;
    this.sessions = deps.sessions;
    this.#deps = deps;
    this.seats = pools.flatMap((pool) => pool.pool.backends.map((backend) => ({ pool, backend })));
    this.#byNumber = new Map(this.seats.map((seat) => [seat.backend.number, seat]));
    this.#byBackend = new Map(this.seats.map((seat) => [seat.backend, seat]));
    this.readKey = keyReader(plan);
    if (plan.kind === 'cookie')
      this.cookies = new CookieBook({ ...plan, secure: deps.secure }, this.seats, deps.wallNow);
    // Routes to the same pools share their sessions.
    const names = pools.map(({ pool }) => pool.name).sort();
    this.#scope = hash53([plan.kind, plan.name, ...names].join('\n'));
  }

  /** The session of the request whose head was just parsed; `choosePool` gives the pool when it is on no backend. */
  find(head: RequestHead, source: string, choosePool: ChoosePool): Session {
    const key = this.readKey(head);
    if (this.cookies === undefined) return new KeyedSession(this, key, choosePool);
    const reading = key === undefined ? undefined : this.cookies.read(key);
    // What tells the clients of one gone backend apart: a page's requests all come with the same cookies.
    const client = reading && `${source}\n${head.get('cookie', '; ')}`;
    return new CookieSession(this, reading, client, choosePool);
  }

  /** Where the session with this key was last: `gone` when that backend can no longer have it. */
  recall(key: string, ttlMs: number): Seat | 'gone' | undefined {
    const number = this.sessions.find(this.#hash(key), ttlMs);
    if (number < 0) return undefined;
    const seat = this.#byNumber.get(number);
    return seat?.backend.keepsSessions ? seat : 'gone';
  }

  /** The session with this key is on that backend from now on. */
  remember(key: string, backend: Backend): void {
    this.sessions.put(this.#hash(key), backend.number);
  }

  /** The seat of a backend; a new one when a reload has brought it into the pool since this request came. */
  seatOf(backend: Backend, pool: PoolSite): Seat {
    return this.#byBackend.get(backend) ?? { pool, backend };
  }

  #hash(key: string): number {
    const hash = hash53(key);
    return mix53(highHalf(hash) ^ highHalf(this.#scope), hash ^ this.#scope);
  }

  count(result: StickyResult): void {
    let cell = this.#cells.get(result);
    if (cell === undefined) {
      cell = this.#deps.meters.counter('sticky_requests_total', { ...this.#deps.labels, result });
      this.#cells.set(result, cell);
    }
    this.#deps.meters.cells[cell]! += 1;
  }
}

/** One request's place in its session: where it goes first, and what is noted about where it went. */
export abstract class Session {
  readonly pool: PoolSite | undefined;
  /** Field lines for the answer, each with its CRLF. */
  lines = '';
  /** Looks at the answer, before the client sees it. */
  watch: AnswerWatch | undefined;
  protected readonly sticky: Sticky;
  /** Where the session is, if it is somewhere. */
  protected readonly seat: Seat | undefined;
  #spilled = false;

  constructor(sticky: Sticky, seat: Seat | 'gone' | undefined, choosePool: ChoosePool) {
    this.sticky = sticky;
    this.seat = seat === 'gone' ? undefined : seat;
    this.pool = this.seat === undefined ? choosePool() : this.seat.pool;
  }

  /**
   * Takes a lease where the session is. When that backend is full another one serves this request and the session stays;
   * when it is gone, or has just failed, the session moves.
   */
  acquire(hint: PickHint, tried: ReadonlySet<Backend> | undefined): Acquired {
    const { seat, sticky } = this;
    if (seat !== undefined && !this.#spilled && !tried?.has(seat.backend)) {
      const kept = seat.pool.pool.acquireOn(seat.backend);
      if (kept.ok) {
        sticky.count('kept');
        this.stayed(seat);
        return kept;
      }
      this.#spilled = kept.refusal === 'all-saturated';
    }
    const acquired = this.place(hint, tried);
    if (!acquired.ok) return acquired;
    sticky.count(this.#spilled ? 'spilled' : this.returning ? 'moved' : 'new');
    if (!this.#spilled) this.moved(sticky.seatOf(acquired.lease.backend, this.pool!));
    return acquired;
  }

  /** The client came with a session. */
  protected abstract readonly returning: boolean;
  /** Takes a lease for a session that is on no backend. */
  protected abstract place(hint: PickHint, tried: ReadonlySet<Backend> | undefined): Acquired;
  protected abstract stayed(seat: Seat): void;
  protected abstract moved(seat: Seat): void;
}

/** A session whose backend is in the client's cookie. */
class CookieSession extends Session {
  protected readonly returning: boolean;
  readonly #client: string | undefined;
  readonly #ageing: boolean;

  constructor(
    sticky: Sticky,
    reading: { readonly seat: Seat; readonly ageing: boolean } | undefined,
    client: string | undefined,
    choosePool: ChoosePool,
  ) {
    const there = reading?.seat.backend.keepsSessions === true;
    const seat = there || client === undefined ? reading?.seat : sticky.recall(client, FOLLOW_MS);
    super(sticky, seat, choosePool);
    this.returning = reading !== undefined;
    this.#client = client;
    this.#ageing = reading !== undefined && (reading.ageing || reading.seat !== this.seat);
  }

  protected place(hint: PickHint, tried: ReadonlySet<Backend> | undefined): Acquired {
    return this.pool!.pool.acquire(hint, tried);
  }

  protected stayed(seat: Seat): void {
    if (this.#ageing) this.lines = this.sticky.cookies!.lineFor(seat);
  }

  protected moved(seat: Seat): void {
    this.lines = this.sticky.cookies!.lineFor(seat);
    if (this.#client !== undefined) this.sticky.remember(this.#client, seat.backend);
  }
}

/** A session with a key of the application's, in a header or the query. */
class KeyedSession extends Session {
  protected readonly returning: boolean;
  readonly #key: string | undefined;
  #backend: Backend | undefined;

  constructor(sticky: Sticky, key: string | undefined, choosePool: ChoosePool) {
    const seat = key === undefined ? undefined : sticky.recall(key, sticky.plan.ttlMs);
    super(sticky, seat, choosePool);
    this.returning = seat !== undefined;
    this.#key = key;
    // A client that has a key keeps it; only a header may give it another.
    if (key !== undefined && sticky.plan.kind === 'query') return;
    this.watch = keyListener(sticky.plan, (announced) => {
      if (this.#backend !== undefined) sticky.remember(announced, this.#backend);
    });
  }

  protected place(hint: PickHint, tried: ReadonlySet<Backend> | undefined): Acquired {
    const { pool } = this.pool!;
    return this.#key === undefined ? pool.acquire(hint, tried) : pool.acquireForKey(this.#key, tried);
  }

  protected stayed({ backend }: Seat): void {
    this.#backend = backend;
  }

  protected moved({ backend }: Seat): void {
    this.#backend = backend;
    if (this.#key !== undefined) this.sticky.remember(this.#key, backend);
  }
}
