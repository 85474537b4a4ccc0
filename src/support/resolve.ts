import { isIP, isIPv6, type LookupFunction } from 'node:net';
import type { Clock } from './clock.ts';
import { NameFinder, type NameSources, systemSources } from './name-sources.ts';

/** Names to IP addresses. */
export interface Resolver {
  /**
   * At least one address, IPv4 before IPv6; an IP address stands for itself. Rejects with an Error that says in words
   * why there is none. With `anew` it is asked for now and waited for, and what is remembered is given only when that
   * fails.
   */
  resolve(host: string, anew?: boolean): Promise<string[]>;
}

/** How long answers are kept, and how many. */
export interface ResolverLimits {
  /** Milliseconds during which an answer is not asked for again. */
  readonly freshMs: number;
  /** Milliseconds for which it is still given after that, while a new one is fetched or cannot be had. */
  readonly heldMs: number;
  /** Milliseconds before a name that gave nothing is asked for again. */
  readonly retryMs: number;
  /** Names remembered; past it the one asked for first is forgotten. */
  readonly capacity: number;
}

/** A name that moves is followed within seconds; name servers that are out do not take its backends with them at once. */
export const defaultResolverLimits: ResolverLimits = {
  freshMs: 5_000,
  heldMs: 60_000,
  retryMs: 1_000,
  capacity: 1_024,
};

const LOOPBACK = ['127.0.0.1', '::1'];

/**
 * A resolver that keeps answers for a short while. Names under `localhost` are the loopback addresses whatever the
 * sources say (RFC 6761 §6.3).
 */
export function createResolver(
  clock: Clock,
  sources: NameSources = systemSources(),
  limits: ResolverLimits = defaultResolverLimits,
): Resolver {
  return new CachingResolver(clock, new NameFinder(sources), limits);
}

/** The resolver in the form that `net.connect` and `http.request` take. */
export function lookupThrough(resolver: Resolver): LookupFunction {
  return (host, options, callback) => {
    resolver.resolve(host).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
        const [first] = found;
        if (options.all) callback(null, found);
        else callback(null, first!.address, first!.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
}

interface Answer {
  addresses: string[];
  askAgainAtMs: number;
  goneAtMs: number;
  failure: Error | undefined;
  /** The question under way; never rejects. */
  asking: Promise<void> | undefined;
}

class CachingResolver implements Resolver {
  readonly #clock: Clock;
  readonly #finder: NameFinder;
  readonly #limits: ResolverLimits;
  readonly #answers = new Map<string, Answer>();

  constructor(clock: Clock, finder: NameFinder, limits: ResolverLimits) {
    this.#clock = clock;
    this.#finder = finder;
    this.#limits = limits;
  }

  async resolve(host: string, anew = false): Promise<string[]> {
    if (isIP(host) !== 0) return [host];
    const name = host.toLowerCase();
    if (/(^|\.)localhost\.?$/.test(name)) return [...LOOPBACK];
    const answer = this.#answers.get(name) ?? this.#remember(name);
    if (anew || this.#clock.now() >= answer.askAgainAtMs) answer.asking ??= this.#ask(name, answer);
    if (anew || this.#clock.now() >= answer.goneAtMs) await answer.asking;
    if (this.#clock.now() < answer.goneAtMs) return [...answer.addresses];
    throw answer.failure;
  }

  #remember(name: string): Answer {
    const never = Number.NEGATIVE_INFINITY;
    const answer = { addresses: [], askAgainAtMs: never, goneAtMs: never, failure: undefined, asking: undefined };
    this.#answers.set(name, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.#limits.capacity) this.#answers.delete(oldest!);
    return answer;
  }

  async #ask(name: string, answer: Answer): Promise<void> {
    const { freshMs, heldMs, retryMs } = this.#limits;
    try {
      answer.addresses = await this.#finder.find(name);
      answer.askAgainAtMs = this.#clock.now() + freshMs;
      answer.goneAtMs = answer.askAgainAtMs + heldMs;
    } catch (error) {
      answer.failure = error as Error;
      answer.askAgainAtMs = this.#clock.now() + retryMs;
    }
    answer.asking = undefined;
  }
}
