import { isIP } from 'node:net';
import type { BanBoard, BanOrder } from '../admin/bans.ts';
import type { EventBus } from '../admin/event-bus.ts';
import type { BanStatus } from '../admin/schema.ts';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { hash53 } from '../pick/text-hash.ts';
import { type Ban, BanTable, banReasons } from '../pool/ban-table.ts';
import { LimitTable } from '../pool/limit-table.ts';
import { banCause, liftBan, type NewBan } from '../proxy/source-guard.ts';
import { sharedNow } from '../support/clock.ts';
import { networkOf, shownNetwork } from '../support/network.ts';
import type { WorkerSeed } from './messages.ts';

/** What bans are looked after with. */
export interface BanDeskParts {
  readonly memory: WorkerSeed['limits'];
  /** That of no worker. */
  readonly lane: number;
  /** Those of the config in force. */
  listeners(): Config['listeners'];
  readonly metrics: Pick<Metrics, 'banned'>;
  readonly logger: Logger;
  readonly events: Pick<EventBus, 'publish'>;
  /** Ends the connections of a source that was banned. */
  cut(listener: string, network: string): void;
}

/** The control plane's side of bans: it tells of them, shows them, and sets and lifts them by hand. */
export class BanDesk implements BanBoard<BanStatus> {
  readonly #parts: BanDeskParts;
  readonly #bans: BanTable;
  readonly #rates: LimitTable;

  constructor(parts: BanDeskParts) {
    this.#parts = parts;
    this.#bans = new BanTable(parts.memory.bans, parts.lane, sharedNow);
    this.#rates = new LimitTable(parts.memory.rates, parts.lane, sharedNow);
  }

  /** The listeners that ban sources, by name. */
  get #guarded(): string[] {
    const listeners = Object.entries(this.#parts.listeners());
    return listeners.filter(([, listener]) => listener.protocol !== 'udp' && listener.guard).map(([name]) => name);
  }

  /** A source was banned, by a worker or by hand: its connections on all workers end. */
  heard({ listener, network, reason, cause, forMs }: NewBan, who?: string): void {
    this.#parts.cut(listener, network);
    this.#parts.metrics.banned(listener, reason);
    const address = shownNetwork(network);
    this.#parts.logger.warn(
      { listener, source: address, reason, cause, forMs, ...(who === undefined ? {} : { who }) },
      'source banned',
    );
    this.#parts.events.publish({ kind: 'ban', listener, address, to: 'banned', reason, cause });
  }

  list(): BanStatus[] {
    const names = new Map(this.#guarded.map((name) => [hash53(name), name]));
    const lag = Date.now() - sharedNow();
    const wall = (ms: number): string => new Date(ms + lag).toISOString();
    return this.#active(names)
      .sort((a, b) => b.sinceMs - a.sinceMs)
      .map(({ source, listener, reason, cause, sinceMs, untilMs }) => ({
        address: source,
        listener: names.get(listener)!,
        reason,
        cause: banCause(cause),
        since: wall(sinceMs),
        until: wall(untilMs),
      }));
  }

  /** Those of listeners that there still are, and that still ban. */
  #active(names: ReadonlyMap<number, string>): Ban[] {
    return this.#bans.active().filter(({ listener }) => names.has(listener));
  }

  /** How many are banned from each listener that bans at all. */
  *gauges(): Iterable<{ listener: string; reason: string; active: number }> {
    const names = new Map(this.#guarded.map((name) => [hash53(name), name]));
    const bans = names.size === 0 ? [] : this.#active(names);
    for (const [hash, listener] of names) {
      for (const reason of banReasons) {
        yield { listener, reason, active: bans.filter((ban) => ban.listener === hash && ban.reason === reason).length };
      }
    }
  }

  ban({ address, listener, forMs }: BanOrder, who: string): readonly string[] | string {
    const network = networkIn(address);
    if (network === undefined) return `'${address}' is no IP address`;
    const names = this.#guarded.filter((name) => listener === undefined || name === listener);
    if (names.length === 0)
      return listener === undefined ? 'no listener has a guard' : `there is no listener '${listener}' with a guard`;
    for (const name of names) {
      const ban = { reason: 'manual', cause: 0, forMs: forMs ?? this.#banMsOf(name) } as const;
      this.#bans.lift(network, hash53(name));
      this.#bans.add(network, hash53(name), ban);
      this.heard({ listener: name, network, reason: ban.reason, cause: '', forMs: ban.forMs }, who);
    }
    return names;
  }

  #banMsOf(name: string): number {
    const listener = this.#parts.listeners()[name];
    return listener !== undefined && listener.protocol !== 'udp' && listener.guard ? listener.guard.ban : 0;
  }

  lift(address: string, who: string): readonly string[] {
    const network = networkIn(address);
    if (network === undefined) return [];
    const tables = { bans: this.#bans, rates: this.#rates };
    const lifted = this.#guarded.filter((name) => liftBan(network, name, tables));
    const shown = shownNetwork(network);
    for (const listener of lifted) {
      this.#parts.logger.info({ listener, source: shown, who }, 'ban lifted');
      this.#parts.events.publish({
        kind: 'ban',
        listener,
        address: shown,
        to: 'lifted',
        reason: 'manual',
        cause: '',
      });
    }
    return lifted;
  }
}

/** Whom an address, or a /64 as bans are shown, belongs to; undefined for what is neither. */
function networkIn(address: string): string | undefined {
  const plain = address.replace(/\/64$/, '');
  return isIP(plain) === 0 ? undefined : networkOf(plain);
}
