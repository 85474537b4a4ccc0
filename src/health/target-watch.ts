import type { Clock, TimerHandle } from '../support/clock.ts';
import { formatDuration } from '../support/duration.ts';
import type { Gate } from './gate.ts';
import { type HealthState, stepHealth } from './health-state.ts';
import type { ActivePolicy, HealthTarget, ProbeConnect } from './policy.ts';
import { type Endpoint, LocalShortage, type Probe } from './probe.ts';

const FIRST_HURRY_MS = 100;
const JITTER = 0.1;

/** What is known of a backend, and why. */
export interface Verdict extends HealthState {
  /** What the latest probe found, in words; where it contradicts `status`, also how far it is from moving it. */
  readonly reason: string;
  /** When `status` took its value: ms on the injected clock. */
  readonly at: number;
}

/** What a watch needs from outside. */
export interface WatchDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly gate: Gate;
  readonly probeFor: (policy: ActivePolicy, connect: ProbeConnect) => Probe;
  /** Called for each result, when the verdict has taken it in and the next probe is set. */
  readonly onResult: (watch: TargetWatch, ok: boolean, before: Verdict) => void;
}

/**
 * Probes one backend, never twice at once, for as long as it is wanted. Probes start an interval apart, give or take
 * 10 %, so that many watches, and many balancers, do not fall into step. In a hurry they start 100, 200, 400 … ms
 * apart, until a failure moves the verdict, a success settles it, or the gap has grown to the interval.
 */
export class TargetWatch {
  readonly target: HealthTarget;
  readonly #plan: { readonly policy: ActivePolicy; readonly probe: Probe } | undefined;
  readonly #deps: WatchDeps;
  #verdict: Verdict;
  #timer: TimerHandle | undefined;
  #underWay: AbortController | undefined;
  #startedMs = Number.NEGATIVE_INFINITY;
  #hurryGapMs = 0;
  // The probe under way began before the latest bad news, so that its success is no answer to it.
  #outrun = false;
  #stopped = false;

  constructor(target: HealthTarget, verdict: Verdict, deps: WatchDeps) {
    const { policy } = target;
    this.target = target;
    this.#plan = policy.type === 'off' ? undefined : { policy, probe: deps.probeFor(policy, target) };
    this.#deps = deps;
    this.#verdict = verdict;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  /** Probes as soon as the gate lets it, and from then on. Once only; without effect when checks are off. */
  start(): void {
    if (this.#plan !== undefined) this.#deps.gate.enter(this.#run, false);
  }

  /** Stops for good: no probe starts any more, the one under way is aborted, and its result is dropped. */
  stop(): void {
    this.#stopped = true;
    this.#disarm();
    this.#deps.gate.leave(this.#run);
    this.#underWay?.abort(new Error('no longer watched'));
  }

  /**
   * Bad news from elsewhere: probes now, but not within 100 ms (or the interval, if that is less) of the last start,
   * so that a storm of news is no storm of probes.
   */
  hurry(): void {
    if (this.#plan === undefined || this.#stopped) return;
    this.#outrun = true;
    if (this.#hurryGapMs > 0) return;
    const gapMs = Math.min(FIRST_HURRY_MS, this.#plan.policy.interval);
    this.#hurryGapMs = gapMs;
    if (this.#underWay === undefined) this.#arm(this.#startedMs + gapMs);
  }

  readonly #run = async (): Promise<void> => {
    const { clock } = this.#deps;
    const { policy, probe } = this.#plan!;
    const controller = new AbortController();
    const lateness = new Error(`no answer within ${formatDuration(policy.timeout)}`);
    const deadline = clock.setTimeout(() => controller.abort(lateness), policy.timeout);
    this.#disarm();
    this.#startedMs = clock.now();
    this.#outrun = false;
    this.#underWay = controller;
    const to = { address: this.target.address, port: policy.port };
    const failure = await failureOf(probe, to, controller.signal);
    clock.clearTimeout(deadline);
    if (this.#stopped) return;
    this.#underWay = undefined;
    this.#take(policy, failure);
  };

  #take(policy: ActivePolicy, failure: Error | undefined): void {
    const before = this.#verdict;
    const ok = failure === undefined;
    const reason = failure?.message ?? `${policy.type} check passed`;
    if (failure instanceof LocalShortage && before.status !== 'unknown') {
      this.#verdict = { ...before, reason };
      this.#schedule(policy);
      return;
    }
    const { status, streak } = stepHealth(before, ok, policy);
    const moved = status !== before.status;
    this.#verdict = {
      status,
      streak,
      reason: inWords({ streak, ok, reason }, policy),
      at: moved ? this.#deps.clock.now() : before.at,
    };
    if (ok ? !this.#outrun : moved) this.#hurryGapMs = 0;
    this.#schedule(policy);
    this.#deps.onResult(this, ok, before);
  }

  #schedule({ interval }: ActivePolicy): void {
    const gapMs = this.#hurryGapMs;
    if (gapMs === 0) {
      this.#arm(this.#startedMs + interval * (1 - JITTER + 2 * JITTER * this.#deps.random()));
      return;
    }
    this.#arm(this.#startedMs + gapMs);
    this.#hurryGapMs = gapMs * 2 < interval ? gapMs * 2 : 0;
  }

  #arm(atMs: number): void {
    const { clock, gate } = this.#deps;
    const urgent = this.#hurryGapMs > 0;
    this.#disarm();
    const waitMs = atMs - clock.now();
    if (waitMs > 0) this.#timer = clock.setTimeout(() => gate.enter(this.#run, urgent), waitMs);
    else gate.enter(this.#run, urgent);
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#deps.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

async function failureOf(probe: Probe, to: Endpoint, signal: AbortSignal): Promise<Error | undefined> {
  try {
    await probe.check(to, signal);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** What a result says; of one that the verdict has not followed yet, how many more it takes. */
function inWords(
  { streak, ok, reason }: { readonly streak: number; readonly ok: boolean; readonly reason: string },
  { rise, fall }: ActivePolicy,
): string {
  if (streak === 0) return reason;
  return ok ? `rising: ${streak} of ${rise} checks passed` : `falling: ${streak} of ${fall} checks failed: ${reason}`;
}
