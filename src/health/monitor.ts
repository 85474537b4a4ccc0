import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../support/clock.ts';
import { Gate } from './gate.ts';
import { neverProbed } from './health-state.ts';
import type { HealthTarget } from './policy.ts';
import { TargetWatch, type Verdict, type WatchDeps } from './target-watch.ts';

const MOST_UNDER_WAY = 64;

/** A backend came up or went down. */
export interface HealthChange {
  readonly key: string;
  readonly status: 'up' | 'down';
  readonly previous: Verdict['status'];
  /** In words: what the deciding probe found. */
  readonly reason: string;
  /** Ms on the injected clock. */
  readonly at: number;
}

/** What the monitor needs from outside, and whom it tells. */
export interface HealthMonitorDeps {
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter. */
  readonly random: () => number;
  readonly probeFor: WatchDeps['probeFor'];
  /** Called for every change of a verdict; may call the monitor back. */
  readonly onChange: (change: HealthChange) => void;
  /** Called for every result that says something of the backend, before the change it may cause. */
  readonly onResult?: (key: string, ok: boolean, reason: string) => void;
}

/** Keeps the verdict on every backend that has to be watched. Lives in the control plane. */
export class HealthMonitor {
  readonly #deps: HealthMonitorDeps;
  readonly #watchDeps: WatchDeps;
  readonly #watches = new Map<string, TargetWatch>();
  readonly #awaited = new Set<(key: string) => void>();
  #closed = false;

  constructor(deps: HealthMonitorDeps) {
    this.#deps = deps;
    const { clock, random, probeFor } = deps;
    const onResult: WatchDeps['onResult'] = (watch, ok, before) => this.#heard(watch, ok, before);
    this.#watchDeps = { clock, random, probeFor, gate: new Gate(MOST_UNDER_WAY), onResult };
  }

  /**
   * Takes the whole list of what to watch from now on. What is listed as before keeps its verdict and its timers; what
   * is gone is stopped and its probe aborted. The rest is probed at once: a new backend, or one with another address,
   * as unknown, one with only another policy with the verdict it had, so that a reload takes nothing out of rotation.
   * Where checks are off a backend is up, and a change to that is told before this returns. Does nothing once closed.
   * Throws when two targets have one key.
   */
  set(targets: readonly HealthTarget[]): void {
    if (this.#closed) return;
    const wanted = new Map(targets.map((target) => [target.key, target]));
    if (wanted.size !== targets.length) throw new Error('two health targets have one key');
    const gone = [...this.#watches.keys()].filter((key) => !wanted.has(key));
    for (const key of gone) this.#drop(key);
    const fresh = targets.filter((target) => !isDeepStrictEqual(target, this.#watches.get(target.key)?.target));
    const changes = fresh.map((target) => this.#watch(target));
    for (const change of changes) if (change !== undefined) this.#deps.onChange(change);
  }

  /**
   * Resolves when each of these backends (all, when none are named) has had its first result or is no longer watched,
   * and at the latest after the longest of their probe timeouts: what is unknown then is still waiting for its turn.
   */
  settled(keys: Iterable<string> = this.#watches.keys()): Promise<void> {
    const open = new Map<string, number>();
    for (const key of keys) {
      const watch = this.#watches.get(key);
      if (watch?.verdict.status === 'unknown') open.set(key, timeoutMs(watch.target));
    }
    if (open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        this.#deps.clock.clearTimeout(deadline);
        this.#awaited.delete(onKnown);
        resolve();
      };
      const onKnown = (key: string) => {
        if (open.delete(key) && open.size === 0) finish();
      };
      const deadline = this.#deps.clock.setTimeout(finish, Math.max(...open.values()));
      this.#awaited.add(onKnown);
    });
  }

  /**
   * Bad news of a backend from the data plane: it is probed now (but not within 100 ms of the last start) and again
   * after 100, 200, 400 … ms, up to the interval, until a failure takes it down or a success clears it. Cheap to call
   * often; without effect on a key that is not watched.
   */
  hurry(key: string): void {
    this.#watches.get(key)?.hurry();
  }

  /** The verdict on a backend now; undefined when it is not watched. */
  state(key: string): Verdict | undefined {
    return this.#watches.get(key)?.verdict;
  }

  /** Stops everything; whoever waits in `settled` is let go. For good. */
  close(): void {
    this.set([]);
    this.#closed = true;
  }

  #watch(target: HealthTarget): HealthChange | undefined {
    const { key, address, policy } = target;
    const old = this.#watches.get(key);
    old?.stop();
    const known = old !== undefined && isDeepStrictEqual(old.target.address, address) ? old.verdict : undefined;
    const now = this.#deps.clock.now();
    const before: Verdict = { ...(known ?? { ...neverProbed, reason: 'not probed yet', at: now }), streak: 0 };
    const verdict = policy.type === 'off' ? withoutChecks(before, now) : before;
    const watch = new TargetWatch(target, verdict, this.#watchDeps);
    this.#watches.set(key, watch);
    watch.start();
    const { status, reason, at } = verdict;
    if (status === before.status || status === 'unknown') return undefined;
    this.#known(key);
    return { key, status, previous: before.status, reason, at };
  }

  #drop(key: string): void {
    this.#watches.get(key)?.stop();
    this.#watches.delete(key);
    this.#known(key);
  }

  #heard(watch: TargetWatch, ok: boolean, before: Verdict): void {
    const { key } = watch.target;
    const { status, reason, at } = watch.verdict;
    this.#known(key);
    this.#deps.onResult?.(key, ok, reason);
    if (status === before.status || status === 'unknown' || this.#watches.get(key) !== watch) return;
    this.#deps.onChange({ key, status, previous: before.status, reason, at });
  }

  #known(key: string): void {
    for (const onKnown of this.#awaited) onKnown(key);
  }
}

function withoutChecks(before: Verdict, nowMs: number): Verdict {
  const at = before.status === 'up' ? before.at : nowMs;
  return { status: 'up', streak: 0, reason: 'health checks are off', at };
}

function timeoutMs({ policy }: HealthTarget): number {
  return policy.type === 'off' ? 0 : policy.timeout;
}
