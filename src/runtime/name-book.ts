import { isIP } from 'node:net';
import type { Config } from '../config/schema.ts';
import type { Endpoint } from '../pool/backend.ts';
import type { Address } from '../support/address.ts';
import type { Clock, TimerHandle } from '../support/clock.ts';
import type { Resolver } from '../support/resolve.ts';

/** How often the names of backends are asked for again, in ms. */
const REFRESH_MS = 5000;

/**
 * The addresses behind the host names of backends, kept fresh by the control plane so that no worker ever resolves a
 * name. A name that does not resolve has no addresses for now, and joins when it does; one that stops resolving keeps
 * the addresses it had.
 */
export class NameBook {
  readonly #resolver: Resolver;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #addresses = new Map<string, readonly string[]>();
  #timer: TimerHandle | undefined;
  #closed = false;

  /** `onChange` is called when a name has other addresses than before. */
  constructor(resolver: Resolver, clock: Clock, onChange: () => void) {
    this.#resolver = resolver;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Takes hosts to keep beside those it has; resolves when each was asked for once, or something of it is remembered. */
  async watch(hosts: Iterable<string>): Promise<void> {
    const names = namesAmong(hosts);
    for (const name of names) if (!this.#addresses.has(name)) this.#addresses.set(name, []);
    await this.#refresh(false);
    this.#schedule();
  }

  /** Forgets all other hosts. */
  keepOnly(hosts: Iterable<string>): void {
    const names = namesAmong(hosts);
    for (const known of this.#addresses.keys()) if (!names.has(known)) this.#addresses.delete(known);
  }

  /** Sets the time of the next round; the one that was set before does not count any more, so that there is one chain. */
  #schedule(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#closed || this.#addresses.size === 0) return;
    this.#timer = this.#clock.setTimeout(() => void this.#round(), REFRESH_MS);
    this.#timer.unref();
  }

  /** What it finds is told also when a `watch` came meanwhile, which may not have seen it. */
  async #round(): Promise<void> {
    const changed = await this.#refresh(true);
    this.#schedule();
    if (changed && !this.#closed) this.#onChange();
  }

  async #refresh(anew: boolean): Promise<boolean> {
    const changes = await Promise.all([...this.#addresses.keys()].map((name) => this.#look(name, anew)));
    return changes.includes(true);
  }

  async #look(name: string, anew: boolean): Promise<boolean> {
    let found: string[];
    try {
      found = (await this.#resolver.resolve(name, anew)).toSorted();
    } catch {
      return false;
    }
    const before = this.#addresses.get(name);
    if (before === undefined || before.join() === found.join()) return false;
    this.#addresses.set(name, found);
    return true;
  }

  /** Where to dial for an address: the address itself, or what its name resolves to; nothing while it does not. */
  readonly endpointsOf = (address: Address): readonly Endpoint[] => {
    if (address.kind === 'unix') return [{ path: address.path }];
    const { host, port } = address;
    const hosts = isIP(host) === 0 ? (this.#addresses.get(host) ?? []) : [host];
    return hosts.map((ip) => ({ host: ip, port }));
  };

  /** Asks for nothing more, whatever is under way. */
  close(): void {
    this.#closed = true;
    this.#schedule();
  }
}

function namesAmong(hosts: Iterable<string>): ReadonlySet<string> {
  return new Set([...hosts].filter((host) => isIP(host) === 0));
}

/** The hosts of all backends of a config. */
export function hostsOf(config: Config): string[] {
  return Object.values(config.pools).flatMap(({ backends }) =>
    backends.flatMap(({ address }) => (address.kind === 'tcp' ? [address.host] : [])),
  );
}
