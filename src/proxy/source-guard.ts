import { hash53 } from '../pick/text-hash.ts';
import type { BanReason, BanTable } from '../pool/ban-table.ts';
import type { LimitTable } from '../pool/limit-table.ts';
import { networkOf } from '../support/network.ts';
import type { Rate } from '../support/rate.ts';

/** How much that is abnormal a listener takes of one source: plain data, sent from the control plane. */
export interface GuardPlan {
  /** Of what no well-behaved client does; undefined for any amount. */
  readonly bad: Rate | undefined;
  /** Of what is asked for and is not there; undefined for any amount. */
  readonly notFound: Rate | undefined;
  readonly banMs: number;
}

/** What counts as abnormal, by the reason under which refusals of it are counted, and as which of the two. */
const abnormal: ReadonlyMap<string, 'bad' | 'not-found'> = new Map([
  ['bad-request', 'bad'],
  ['head-too-large', 'bad'],
  ['request-timeout', 'bad'],
  ['http2-flood', 'bad'],
  ['http2-protocol', 'bad'],
  ['tls-handshake', 'bad'],
  ['tls-timeout', 'bad'],
  ['tls-hello', 'bad'],
  ['plain-http', 'bad'],
  ['proxy-header', 'bad'],
  ['proxy-timeout', 'bad'],
  ['no-route', 'not-found'],
  ['not-implemented', 'not-found'],
]);

const causes = ['', ...abnormal.keys()];

/** The event that brought a ban about, of the number that its entry has; '' for none. */
export function banCause(cause: number): string {
  return causes[cause] ?? '';
}

/** A source that was banned just now. */
export interface NewBan {
  readonly listener: string;
  /** As of `networkOf`. */
  readonly network: string;
  readonly reason: BanReason;
  /** The event that was one too many; '' when somebody has banned it by hand. */
  readonly cause: string;
  readonly forMs: number;
}

/** A connection that can be ended for its source. */
export interface Guarded {
  cut(ended: 'banned'): void;
}

/** What a guard works with. */
export interface GuardParts {
  readonly bans: BanTable;
  readonly rates: LimitTable;
  /** The listener's name. */
  readonly listener: string;
  /** True for a proxy: what comes from it is not its own doing. Missing where there is none. */
  trusts?(source: string): boolean;
  /** Hears of each ban once, over all workers. */
  onBan(ban: NewBan): void;
}

/** The salts under which a listener's sources are counted. */
function saltsOf(listener: string): Readonly<Record<'bad' | 'not-found', number>> {
  return { bad: hash53(`${listener}\nguard bad`), 'not-found': hash53(`${listener}\nguard not-found`) };
}

/** Lifts a ban, and forgets what led to it; false when there is none. */
export function liftBan(
  network: string,
  listener: string,
  { bans, rates }: Pick<GuardParts, 'bans' | 'rates'>,
): boolean {
  const lifted = bans.lift(network, hash53(listener));
  const salts = saltsOf(listener);
  for (const salt of [salts.bad, salts['not-found']]) rates.forgive(hash53(network), salt);
  return lifted;
}

/**
 * Counts what is abnormal by its source, and keeps a source away for a while that does too much of it. One for each
 * listener that asks for it, in each worker; rates and bans are those of all workers together.
 */
export class SourceGuard {
  readonly #plan: GuardPlan;
  readonly #parts: GuardParts;
  readonly #listener: number;
  readonly #salts: Readonly<Record<'bad' | 'not-found', number>>;
  /** The connections of each source, which end with its ban. */
  readonly #bySource = new Map<string, Set<Guarded>>();
  readonly #networks = new Map<Guarded, string>();

  constructor(plan: GuardPlan, parts: GuardParts) {
    this.#plan = plan;
    this.#parts = parts;
    this.#listener = hash53(parts.listener);
    this.#salts = saltsOf(parts.listener);
  }

  /** True for a source that is banned now. */
  bars(source: string): boolean {
    return this.#isClient(source) && this.#parts.bans.has(networkOf(source), this.#listener);
  }

  /** Something was refused under this reason: when it is abnormal it counts, and one too many bans the source. */
  note(refusal: string, source: string): void {
    const reason = abnormal.get(refusal);
    if (reason === undefined || !this.#isClient(source)) return;
    const rate = reason === 'bad' ? this.#plan.bad : this.#plan.notFound;
    if (rate === undefined) return;
    const network = networkOf(source);
    if (this.#parts.rates.take(hash53(network), this.#salts[reason], rate) === 0) return;
    const forMs = this.#plan.banMs;
    const order = { reason, cause: causes.indexOf(refusal), forMs };
    if (!this.#parts.bans.add(network, this.#listener, order)) return;
    // What is being answered just now is still to be written.
    setImmediate(() => this.cut(network));
    this.#parts.onBan({ listener: this.#parts.listener, network, reason, cause: refusal, forMs });
  }

  /** A proxy's address is that of many, and over a Unix socket there is none. */
  #isClient(source: string): boolean {
    return source !== '' && this.#parts.trusts?.(source) !== true;
  }

  /** A connection of this source has begun; it is to be forgotten when it is over. */
  watch(connection: Guarded, source: string): void {
    if (!this.#isClient(source)) return;
    const network = networkOf(source);
    const others = this.#bySource.get(network);
    if (others === undefined) this.#bySource.set(network, new Set([connection]));
    else others.add(connection);
    this.#networks.set(connection, network);
  }

  /** A connection is over, or another one has taken its place. */
  forget(connection: Guarded): void {
    const network = this.#networks.get(connection);
    if (network === undefined) return;
    this.#networks.delete(connection);
    const others = this.#bySource.get(network)!;
    others.delete(connection);
    if (others.size === 0) this.#bySource.delete(network);
  }

  /** Ends all connections of a source that is banned: by the time this is heard of, the ban may have been lifted again. */
  cut(network: string): void {
    if (!this.#parts.bans.has(network, this.#listener)) return;
    for (const connection of [...(this.#bySource.get(network) ?? [])]) connection.cut('banned');
  }

  /** Connections that it knows. */
  get watched(): number {
    return this.#networks.size;
  }
}
