import { algorithms } from '../pick/algorithms.ts';
import type { Balancer, PickHint } from '../pick/balancer.ts';
import { Hash } from '../pick/hash.ts';
import { hasRoom, isOpen } from '../pick/roster.ts';
import { Backend, type BackendPlan } from './backend.ts';
import { eligibleOf, ranksOf } from './eligible.ts';
import { isFailure, Lease, type Lessor, type Outcome } from './lease.ts';
import { PoolQueue, QueueBell, type QueuePlan } from './queue.ts';
import { RetryBudget } from './retry-budget.ts';
import type { SharedTable } from './table.ts';
import { PoolTiming } from './timing.ts';

/** What a worker must know of a pool: plain data, sent from the control plane. */
export interface PoolPlan {
  /** Its number in the shared table. */
  readonly number: number;
  readonly name: string;
  readonly algorithm: keyof typeof algorithms;
  readonly backends: readonly BackendPlan[];
  /** See `BalancerContext`. */
  readonly loadFactor?: number | undefined;
  /** Below this share of backends that are well, all are used; 0 for never. */
  readonly panicBelow?: number;
  /** Failures in a row after which a backend is reported for ejection; 0 for never. */
  readonly ejectAfter: number;
  /** True when a probe will bring back a backend whose connect was refused, so that it may be left out at once. */
  readonly probed: boolean;
  /** Who may wait when every backend is at its limit; undefined when nobody may. */
  readonly queue?: QueuePlan | undefined;
}

/** Why no lease could be had. */
export type Refusal = 'no-backends' | 'none-healthy' | 'all-saturated' | 'all-tried';

/** A lease, or why there is none. */
export type Acquired = { readonly ok: true; readonly lease: Lease } | { readonly ok: false; readonly refusal: Refusal };

/** What the control plane should look into. */
export type Trouble = {
  readonly slot: number;
  readonly kind: 'refused' | 'failing' | 'trial-passed' | 'trial-failed';
};

/** Notices of a pool: for counters, and for the control plane. */
export interface PoolObserver {
  picked(pool: Pool, backend: Backend): void;
  failed(pool: Pool, backend: Backend, outcome: Outcome): void;
  trouble(pool: Pool, trouble: Trouble): void;
}

const refusals: Record<Refusal, Acquired> = {
  'no-backends': { ok: false, refusal: 'no-backends' },
  'none-healthy': { ok: false, refusal: 'none-healthy' },
  'all-saturated': { ok: false, refusal: 'all-saturated' },
  'all-tried': { ok: false, refusal: 'all-tried' },
};

/** What a pool works with. */
export interface PoolDeps {
  readonly table: SharedTable;
  readonly lane: number;
  readonly observer: PoolObserver;
  /** Uniform in [0, 1). */
  random(): number;
  /** Milliseconds with fractions, of a clock that all threads share. */
  now(): number;
  /** By which the queues of all pools of a worker are woken; a pool without one has its own. */
  readonly bell?: QueueBell;
}

/** Lost races for the last free place of a backend before a pool counts as saturated. */
const MAX_RACES = 8;

/**
 * A named set of backends under one algorithm, as one worker sees it. L4, L7 and the simulator use it alike; they differ
 * only in when a lease ends. Who may be picked is looked up again whenever the shared table says it changed.
 */
export class Pool implements Lessor {
  readonly number: number;
  readonly name: string;
  backends: readonly Backend[] = [];
  readonly #table: SharedTable;
  readonly #lane: number;
  readonly #observer: PoolObserver;
  readonly #deps: PoolDeps;
  #plan: PoolPlan;
  #balancer: Balancer<Backend>;
  /** Undefined unless the algorithm goes by latency. */
  #timing: PoolTiming | undefined;
  /** Made when the first session asks for it. */
  #byKey: Hash<Backend> | undefined;
  #eligible: readonly Backend[] = [];
  /** Ejected backends of which one lease is to decide. */
  #trials: readonly Backend[] = [];
  #version = -1;
  #plans = 0;
  /** Where to wait for a lease; undefined when nobody may. */
  queue: PoolQueue | undefined;
  readonly retries = new RetryBudget(() =>
    this.backends.reduce((sum, { slot }) => sum + this.#table.heldBy(slot, this.#lane), 0),
  );

  constructor(plan: PoolPlan, deps: PoolDeps) {
    this.number = plan.number;
    this.name = plan.name;
    this.#table = deps.table;
    this.#lane = deps.lane;
    this.#observer = deps.observer;
    this.#deps = deps;
    this.#plan = plan;
    this.#balancer = this.#makeBalancer(plan);
    this.#adopt(plan);
  }

  /** Takes a new plan for the same pool: backends that stay keep their objects, and with them their connections. */
  reconcile(plan: PoolPlan): void {
    const { algorithm, loadFactor } = this.#plan;
    if (plan.algorithm !== algorithm || plan.loadFactor !== loadFactor) this.#balancer = this.#makeBalancer(plan);
    this.#plan = plan;
    this.#plans++;
    this.#adopt(plan);
  }

  /** Changes whenever `keeps` may say something else. */
  get version(): number {
    return this.#table.version(this.number) + this.#plans;
  }

  /** True when what a client has with this backend may go on there. */
  keeps(backend: Backend): boolean {
    return backend.keepsSessions && this.backends.includes(backend);
  }

  #makeBalancer({ algorithm, loadFactor }: PoolPlan): Balancer<Backend> {
    const { table, random } = this.#deps;
    return algorithms[algorithm].create({ nextTurn: () => table.nextTurn(this.number), random, loadFactor });
  }

  #adopt(plan: PoolPlan): void {
    const known = new Map(this.backends.map((backend) => [backend.slot, backend]));
    this.backends = plan.backends.map((backendPlan) => {
      const backend = known.get(backendPlan.slot) ?? new Backend(this.#table, backendPlan);
      backend.endpoints = backendPlan.endpoints;
      backend.backup = backendPlan.backup === true;
      return backend;
    });
    const { byLatency } = algorithms[plan.algorithm];
    if (byLatency) this.#timing ??= new PoolTiming(this.#table, this.#deps.now);
    else this.#timing = undefined;
    for (const backend of this.backends) backend.timing = this.#timing?.of(backend.slot);
    this.#timing?.keep(this.backends.map(({ slot }) => slot));
    this.#version = -1;
    this.#adoptQueue(plan);
  }

  /** Those who wait already keep their places and their time, also when nobody may wait any more. */
  #adoptQueue({ queue = { max: 0, timeoutMs: 0 } }: PoolPlan): void {
    if (this.queue !== undefined) this.queue.limits = queue;
    else if (queue.max > 0) {
      const { table, lane, bell = new QueueBell(table.queues, lane) } = this.#deps;
      const anyHasRoom = (): boolean => {
        this.#refresh();
        return this.#eligible.some(hasRoom);
      };
      this.queue = new PoolQueue(queue, { table: table.queues, pool: this.number, bell, hasRoom: anyHasRoom });
    }
    this.queue?.freed();
  }

  /** True when others were here first and wait. */
  #mustWait(): boolean {
    const { queue } = this;
    return queue !== undefined && !queue.serving && queue.waits;
  }

  #refresh(): void {
    const version = this.#table.version(this.number);
    if (version === this.#version) return;
    this.#version = version;
    this.#eligible = eligibleOf(this.backends, this.#plan.panicBelow ?? 0);
    this.#trials = this.backends.filter(
      ({ slot, eligibleButEjected }) => this.#table.onTrial(slot) && eligibleButEjected,
    );
    this.#balancer.update(this.#eligible);
    this.#byKey?.update(this.#eligible);
  }

  /** Takes a lease on a backend that is not in `tried`. Nobody gets one before those who wait in the queue. */
  acquire(hint: PickHint, tried?: ReadonlySet<Backend>): Acquired {
    this.#refresh();
    if (this.#mustWait()) return refusals['all-saturated'];
    this.#timing?.look();
    // Second tries go where it is sure.
    const trial = this.#trials.length > 0 && !tried?.size ? this.#tryOne() : undefined;
    if (trial !== undefined) return { ok: true, lease: trial };
    return this.#acquireBy(this.#balancer, hint, tried);
  }

  /**
   * Takes a lease for the session with this key, which is on no backend yet: one that follows from the key and from who
   * may be picked, so that all workers, and another process, agree. The pool's algorithm is charged with it.
   */
  acquireForKey(key: string, tried?: ReadonlySet<Backend>): Acquired {
    this.#refresh();
    if (this.#mustWait()) return refusals['all-saturated'];
    if (this.#byKey === undefined) {
      this.#byKey = new Hash({ nextTurn: () => this.#table.nextTurn(this.number), random: this.#deps.random });
      this.#byKey.update(this.#eligible);
    }
    const acquired = this.#acquireBy(this.#byKey, { key }, tried);
    if (acquired.ok) this.#balancer.charge?.(acquired.lease.backend);
    return acquired;
  }

  /** Takes a lease on this very backend, for a session that is on it. The pool's algorithm is charged with it. */
  acquireOn(backend: Backend): Acquired {
    this.#refresh();
    if (!backend.keepsSessions) return refusals['none-healthy'];
    if (this.#mustWait() && backend.eligible) return refusals['all-saturated'];
    const lease = this.#hold(backend);
    if (lease === undefined) return refusals['all-saturated'];
    this.#balancer.charge?.(backend);
    return { ok: true, lease };
  }

  /** True when `acquire` would give a lease now, unless another worker takes the last place just then. */
  offers(tried: ReadonlySet<Backend>): boolean {
    this.#refresh();
    if (this.#mustWait()) return false;
    return this.#eligible.some((backend) => isOpen(backend, tried)) || this.#standIns(tried).some(hasRoom);
  }

  /** A lease that is the trial of an ejected backend, if there is one that nobody has taken. */
  #tryOne(): Lease | undefined {
    for (const backend of this.#trials) {
      if (!this.#table.takeTrial(backend.slot)) continue;
      const lease = this.#hold(backend);
      if (lease === undefined) this.#table.returnTrial(backend.slot);
      else lease.onTrial = true;
      if (lease !== undefined) return lease;
    }
    return undefined;
  }

  /** Tells the control plane how a trial went; one that has shown nothing is open again. */
  judge({ backend: { slot } }: Lease, verdict: 'passed' | 'failed' | 'open'): void {
    if (verdict === 'open') this.#table.returnTrial(slot);
    else this.#observer.trouble(this, { slot, kind: `trial-${verdict}` });
  }

  #acquireBy(balancer: Balancer<Backend>, hint: PickHint, tried: ReadonlySet<Backend> | undefined): Acquired {
    for (let race = 0; race < MAX_RACES; race++) {
      const backend = balancer.pick(hint, tried);
      if (backend === undefined) return this.#lastResort(tried) ?? refusals[this.#refusal(tried)];
      const lease = this.#hold(backend);
      if (lease !== undefined) return { ok: true, lease };
    }
    return refusals['all-saturated'];
  }

  #lastResort(tried: ReadonlySet<Backend> | undefined): Acquired | undefined {
    if (tried === undefined) return undefined;
    for (const backend of this.#standIns(tried)) {
      const lease = this.#hold(backend);
      if (lease !== undefined) return { ok: true, lease };
    }
    return undefined;
  }

  /** Who is worth a try once all that may be picked have failed it, in that order. */
  #standIns(tried: ReadonlySet<Backend>): readonly Backend[] {
    if (!this.#allIn(tried)) return [];
    return ranksOf(this.backends)
      .flat()
      .filter((backend) => !tried.has(backend));
  }

  /** A lease on that backend, unless another worker took the last place between the look and the hold. */
  #hold(backend: Backend): Lease | undefined {
    const active = this.#table.hold(backend.slot, this.#lane);
    const max = backend.maxActive;
    if (max !== 0 && active > max) {
      this.#table.letGo(backend.slot, this.#lane);
      return undefined;
    }
    this.#observer.picked(this, backend);
    return this.#timing?.lease(this, backend) ?? new Lease(this, backend);
  }

  #refusal(tried: ReadonlySet<Backend> | undefined): Refusal {
    if (this.backends.length === 0) return 'no-backends';
    if (this.#eligible.length === 0) return 'none-healthy';
    return tried !== undefined && this.#allIn(tried) ? 'all-tried' : 'all-saturated';
  }

  #allIn(tried: ReadonlySet<Backend>): boolean {
    return this.#eligible.every((backend) => tried.has(backend));
  }

  /** Takes a lease back; called by the lease, once. */
  release(lease: Lease, outcome: Outcome): void {
    const { backend } = lease;
    this.#table.letGo(backend.slot, this.#lane);
    if (outcome === 'served') this.#table.endStreak(backend.slot);
    else if (isFailure(outcome)) this.#fail(backend, outcome);
    if (this.queue?.waits === true) this.queue.freed();
  }

  #fail(backend: Backend, outcome: Outcome): void {
    this.#observer.failed(this, backend, outcome);
    if (outcome === 'connect-refused' && this.#plan.probed) return this.#leaveOut(backend);
    const streak = this.#table.countFailure(backend.slot);
    if (this.#plan.ejectAfter > 0 && streak >= this.#plan.ejectAfter) {
      this.#observer.trouble(this, { slot: backend.slot, kind: 'failing' });
    }
  }

  /** Nobody listens there, which needs no second failure to be sure of: out at once, until a probe succeeds. */
  #leaveOut(backend: Backend): void {
    if (!this.#table.markRefused(backend.slot)) return;
    this.#table.touch(this.number);
    this.#observer.trouble(this, { slot: backend.slot, kind: 'refused' });
  }
}
