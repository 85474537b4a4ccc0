import { createHash, randomBytes } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import type { TlsListenerPlan } from '../accept/tls-context.ts';
import { pathFrom } from '../config/check-tls.ts';
import { type KeyPair, readCertificates, readPair } from '../config/pem-files.ts';
import type { Config, ListenerConfig, PoolConfig } from '../config/schema.ts';
import { type ConfigWatch, watchConfig } from '../config/watch.ts';
import type { Logger } from '../observe/log.ts';
import type { Clock, TimerHandle } from '../support/clock.ts';
import type { ConnectTlsPlan } from '../support/tls-client.ts';

/** How long a handshake with a client of a tcp listener may take, in ms; one of an http listener has its time for a head. */
const TCP_HANDSHAKE_MS = 10_000;

/** Session tickets are sealed with new keys this often, in ms: a key that leaks opens no older sessions. */
const TICKET_KEYS_MS = 12 * 3_600_000;

/** Plans of pools that are remembered over reloads, the latest ones. */
const MOST_POOL_PLANS = 1024;

/** Files that change together are read this long after the last of them, in ms. */
const SETTLE_MS = 300;

/** What the book needs, and whom it tells. */
export interface TlsBookDeps {
  readonly clock: Clock;
  /** Where relative paths start. */
  readonly folder: string;
  /** Told when a certificate was replaced, and when a file that was good before no longer is. */
  readonly logger: Pick<Logger, 'info' | 'error'>;
  /** Files have changed, or it is time for new ticket keys: `load` is to be called, and a plan made. */
  onChange(): void;
}

/** A certificate of a listener, for the metrics. */
export interface CertificateExpiry {
  readonly listener: string;
  /** Its path as the config has it. */
  readonly certificate: string;
  readonly seconds: number;
}

/**
 * The certificates, keys and authorities of the config in force, read from their files and watched. Workers get them with
 * their plans and touch no file.
 */
export class TlsBook {
  readonly #deps: TlsBookDeps;
  readonly #pairs = new Map<string, KeyPair>();
  readonly #authorities = new Map<string, string>();
  #watches = new Map<string, ConfigWatch>();
  #settling: TimerHandle | undefined;
  #rotation: TimerHandle | undefined;
  #poolPlans = new Map<string, ConnectTlsPlan>();
  #ticketKeys: Uint8Array = randomBytes(48);

  constructor(deps: TlsBookDeps) {
    this.#deps = deps;
  }

  /**
   * Reads what the config names, beside what is known already. A file that is broken and was good before keeps its old
   * contents, and that is reported; one that never was good rejects with what is wrong.
   */
  async load(config: Config): Promise<void> {
    const pairs = new Map<string, KeyPair>();
    const authorities = new Map<string, string>();
    // Watched from before they are read, so that no change is missed.
    if (config.watch) for (const path of this.#pathsOf(config)) this.#watch(path);
    for (const { cert, key } of pairsOf(config)) {
      const name = pairName(cert, key);
      if (!pairs.has(name)) pairs.set(name, await this.#pair(cert, key));
    }
    for (const path of authoritiesOf(config)) authorities.set(path, await this.#authority(path));
    for (const [name, pair] of pairs) this.#pairs.set(name, pair);
    for (const [path, text] of authorities) this.#authorities.set(path, text);
    this.#poolPlans = new Map([...this.#poolPlans].slice(-MOST_POOL_PLANS));
    if (this.#pairs.size > 0) this.#rotation ??= this.#scheduleRotation();
  }

  /** Forgets what this config does not name: it is the one in force. */
  keepOnly(config: Config): void {
    const names = new Set(pairsOf(config).map(({ cert, key }) => pairName(cert, key)));
    for (const name of this.#pairs.keys()) if (!names.has(name)) this.#pairs.delete(name);
    const paths = new Set(authoritiesOf(config));
    for (const path of this.#authorities.keys()) if (!paths.has(path)) this.#authorities.delete(path);
    this.#unwatchAllBut(new Set(config.watch ? this.#pathsOf(config) : []));
  }

  async #pair(cert: string, key: string): Promise<KeyPair> {
    const read = await readPair(this.#path(cert), this.#path(key));
    const before = this.#pairs.get(pairName(cert, key));
    if (read.ok) {
      const { validTo } = read.value;
      if (before !== undefined && before.cert !== read.value.cert)
        this.#deps.logger.info({ certificate: cert, validTo: new Date(validTo).toISOString() }, 'certificate replaced');
      return read.value;
    }
    return this.#keep(before, read.message);
  }

  async #authority(path: string): Promise<string> {
    const read = await readCertificates(this.#path(path));
    if (read.ok) return read.value.text;
    const before = this.#authorities.get(path);
    return this.#keep(before, read.message);
  }

  #keep<T>(before: T | undefined, message: string): T {
    if (before === undefined) throw new Error(message);
    this.#deps.logger.error(`${message}; what was read before stays`);
    return before;
  }

  #path(path: string): string {
    return pathFrom(this.#deps.folder, path);
  }

  #pathsOf(config: Config): string[] {
    const written = [...pairsOf(config).flatMap(({ cert, key }) => [cert, key]), ...authoritiesOf(config)];
    return written.map((path) => this.#path(path));
  }

  #watch(path: string): void {
    const { clock } = this.#deps;
    if (!this.#watches.has(path))
      this.#watches.set(
        path,
        watchConfig(path, () => this.#stir(), { clock }),
      );
  }

  #unwatchAllBut(paths: ReadonlySet<string>): void {
    for (const [path, watch] of this.#watches) {
      if (paths.has(path)) continue;
      watch.close();
      this.#watches.delete(path);
    }
  }

  /** A certificate and its key are two files: the second may follow the first. */
  #stir(): void {
    const { clock, onChange } = this.#deps;
    if (this.#settling !== undefined) clock.clearTimeout(this.#settling);
    this.#settling = clock.setTimeout(onChange, SETTLE_MS);
    this.#settling.unref();
  }

  #scheduleRotation(): TimerHandle {
    const timer = this.#deps.clock.setTimeout(() => {
      this.#ticketKeys = randomBytes(48);
      this.#rotation = this.#scheduleRotation();
      this.#deps.onChange();
    }, TICKET_KEYS_MS);
    timer.unref();
    return timer;
  }

  /**
   * How a listener ends TLS; undefined for one in the clear. What it names must have been loaded. `namesWanted` when
   * somebody wants to know the host names that clients ask for.
   */
  listenerPlan(name: string, listener: ListenerConfig, namesWanted = false): TlsListenerPlan | undefined {
    const { tls } = listener;
    if (tls === undefined) return undefined;
    const clientCa = tls.clientCa === '' ? '' : this.#authorities.get(tls.clientCa)!;
    const plan = {
      certificates: tls.certificates.map(({ cert, key }) => {
        const pair = this.#pairs.get(pairName(cert, key))!;
        return { cert: pair.cert, key: pair.key, names: pair.names };
      }),
      minVersion: `TLSv${tls.minVersion}` as const,
      clientCa,
      alpn: tls.alpn ?? (listener.protocol === 'http' ? ['h2', 'http/1.1'] : []),
      ticketKeys: this.#ticketKeys,
      sessionContext: digest([name, clientCa]).slice(0, 32),
      namesWanted,
      handshakeMs: listener.protocol === 'http' ? listener.timeouts.header : TCP_HANDSHAKE_MS,
    };
    return { ...plan, id: digest([plan, [...this.#ticketKeys]]) };
  }

  /** How connections of a pool are encrypted; undefined for those in the clear. The same object as long as it says the same. */
  poolPlan({ connect: { tls } }: PoolConfig): ConnectTlsPlan | undefined {
    if (tls === undefined) return undefined;
    const pair = tls.cert === '' ? { cert: '', key: '' } : this.#pairs.get(pairName(tls.cert, tls.key))!;
    const ca = tls.ca === '' ? systemAuthorities() : this.#authorities.get(tls.ca)!;
    const plan = { ca, cert: pair.cert, key: pair.key, serverName: tls.serverName, verify: tls.verify };
    const id = digest(plan);
    const known = this.#poolPlans.get(id) ?? { id, ...plan };
    this.#poolPlans.set(id, known);
    return known;
  }

  /** When the certificates of a config's listeners expire. */
  *expiries(config: Config): Iterable<CertificateExpiry> {
    for (const [listener, { tls }] of Object.entries(config.listeners)) {
      for (const { cert, key } of tls?.certificates ?? []) {
        const pair = this.#pairs.get(pairName(cert, key));
        if (pair !== undefined) yield { listener, certificate: cert, seconds: Math.floor(pair.validTo / 1000) };
      }
    }
  }

  /** Ends all watching. */
  close(): void {
    this.#unwatchAllBut(new Set());
    for (const timer of [this.#settling, this.#rotation]) if (timer !== undefined) this.#deps.clock.clearTimeout(timer);
  }
}

function pairsOf({ listeners, pools }: Config): { cert: string; key: string }[] {
  return [
    ...Object.values(listeners).flatMap(({ tls }) => tls?.certificates ?? []),
    ...Object.values(pools).flatMap(({ connect: { tls } }) => (tls === undefined || tls.cert === '' ? [] : [tls])),
  ];
}

function authoritiesOf({ listeners, pools }: Config): string[] {
  const paths = [
    ...Object.values(listeners).map(({ tls }) => tls?.clientCa ?? ''),
    ...Object.values(pools).map(({ connect: { tls } }) => tls?.ca ?? ''),
  ];
  return [...new Set(paths.filter((path) => path !== ''))];
}

let system: string | undefined;

/** The authorities that this machine trusts, or where it has none those that Node comes with. */
function systemAuthorities(): string {
  if (system === undefined) {
    const installed = getCACertificates('system');
    system = (installed.length > 0 ? installed : getCACertificates('bundled')).join('\n');
  }
  return system;
}

function pairName(cert: string, key: string): string {
  return `${cert}\n${key}`;
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
