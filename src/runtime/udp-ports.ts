import { isIP } from 'node:net';
import type { Bound } from '../accept/listen.ts';
import { UdpPort, type UdpPortOwner, type UdpTaker } from '../proxy/udp-port.ts';
import type { UdpFlow } from '../proxy/udp-proxy.ts';
import { isWildcard } from '../support/address.ts';
import { bindError, withoutIpv6 } from '../support/bind.ts';
import { type Clock, systemClock } from '../support/clock.ts';
import { isLocalAddress, localAddresses } from '../support/local-addresses.ts';
import { freeUdpPort } from '../support/open-udp.ts';
import { shortages } from '../support/shortages.ts';
import type { UdpBind, UdpSource } from '../support/udp-wire.ts';
import { boundAddress, isWithin, showBind } from './bind-place.ts';
import type { BindPlan } from './messages.ts';

/** Hosts that stand for all interfaces, the closer first. */
const WILDCARDS = ['0.0.0.0', '::'] as const;

/** Addresses that a bind to all interfaces has a socket of its own for. */
const MOST_ADDRESSES = 256;

/** How often it is looked whether the machine has got other addresses, and how soon again when one seems to be new, in ms. */
const LOOK_MS = 5000;
const SOON_MS = 250;

/** A bind of a listener that is open. */
interface Held extends UdpBind {
  readonly listener: string;
  siteNow(): UdpTaker | undefined;
}

/** What is asked of the machine. */
export interface Machine {
  readonly clock: Clock;
  /** The addresses of its interfaces; undefined when they cannot be told. */
  localAddresses(): readonly string[] | undefined;
  /** False when the machine has an address no more, which one that is not listed may still be. */
  isHere(address: string): Promise<boolean>;
}

const thisMachine: Machine = { clock: systemClock, localAddresses, isHere: isLocalAddress };

/** Hears that there is no socket for one of the addresses that a bind to all interfaces stands for, and the code of why. */
export type OnMissing = (listener: string, address: string, error: string) => void;

/**
 * The UDP sockets of a worker, one for each address and port. A bind to all interfaces has a socket for each address that
 * they have, beside the one for all: what leaves by that has the address which the system chooses for the way, not the one
 * that was asked. New clients of a socket are those of the closest bind that it stands for, so that binds may come and go while it
 * stays. One that stands for none any more ends with its last flow.
 */
export class UdpPorts implements UdpPortOwner {
  readonly #onMissing: OnMissing;
  readonly #machine: Machine;
  readonly #held = new Set<Held>();
  /** By place. */
  readonly #ports = new Map<string, UdpPort>();
  /** Places that were told to be missing. */
  readonly #missing = new Set<string>();
  #looking = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** One bind is opened at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(onMissing: OnMissing, machine = thisMachine) {
    this.#onMissing = onMissing;
    this.#machine = machine;
  }

  /** `siteNow` tells whose new clients are at the moment. Rejects with a sentence that names the listener and the address. */
  open(bind: BindPlan, to: { host: string; port: number }, siteNow: Held['siteNow']): Promise<Bound> {
    const { listener, shared: reusePort } = bind;
    return this.#inTurn(async () => {
      try {
        const host = await boundAddress(to.host);
        return await this.#open({ listener, host, port: to.port, reusePort, siteNow });
      } catch (error) {
        throw bindError(`listener ${listener}`, showBind(bind), error as NodeJS.ErrnoException);
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #open(asked: Held): Promise<Bound> {
    try {
      return await this.#openAt(asked);
    } catch (error) {
      const host = withoutIpv6(asked.host, error as NodeJS.ErrnoException);
      if (host === undefined) throw error;
      return this.#openAt({ ...asked, host });
    }
  }

  async #openAt(asked: Held): Promise<Bound> {
    const here = this.#machine.localAddresses() ?? [];
    const { port } = await this.#bind({ ...asked, port: await this.#freePort(asked, here) });
    const held = { ...asked, port };
    this.#held.add(held);
    await this.#spread(held, here);
    this.#lookOn();
    return { port, close: () => this.#close(held) };
  }

  /**
   * Returns the port if nobody else has it, or one that is free. It is bound for a moment without `reusePort`, since another
   * process of this user that asks for the same would not fail but share what comes. Sockets of our own would stand in the way
   * of that; then each address is tried that they leave.
   */
  async #freePort(asked: Held, here: readonly string[]): Promise<number> {
    const { host, port, reusePort } = asked;
    if (!reusePort) return port;
    if (!this.#overlaps(asked)) return freeUdpPort(host, port);
    for (const address of here) {
      if (!isWithin(address, host) || this.#overlaps({ host: address, port })) continue;
      await freeUdpPort(address, port).catch((error) => {
        if (error.code === 'EADDRINUSE') throw error;
      });
    }
    return port;
  }

  #overlaps({ host, port }: Pick<Held, 'host' | 'port'>): boolean {
    return [...this.#ports.values()].some(
      (own) => own.port === port && (isWithin(host, own.host) || isWithin(own.host, host)),
    );
  }

  async #bind(to: UdpBind): Promise<UdpPort> {
    const own = this.#ports.get(placeOf(to));
    if (own !== undefined) return own;
    const opened = await UdpPort.bind(to, this);
    this.#ports.set(placeOf(opened), opened);
    return opened;
  }

  /** Binds the addresses that a bind to all interfaces stands for. What cannot be bound is answered by the socket for all. */
  async #spread(held: Held, here: readonly string[]): Promise<void> {
    if (!held.reusePort || !isWildcard(held.host)) return;
    const within = here.filter((host) => isWithin(host, held.host));
    const beyond = within[MOST_ADDRESSES];
    if (beyond !== undefined) this.#tellMissing({ ...held, host: beyond }, `more than ${MOST_ADDRESSES} addresses`);
    for (const host of within.slice(0, MOST_ADDRESSES)) {
      const to = { ...held, host };
      try {
        await this.#bind(to);
        this.#missing.delete(placeOf(to));
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (code !== 'EADDRNOTAVAIL') this.#tellMissing(to, code);
        // Others need them too.
        if (shortages.get(code)?.outcome === 'out-of-files') return;
      }
    }
  }

  #tellMissing(to: Held, error: string): void {
    const place = placeOf(to);
    if (!this.#missing.has(place)) this.#onMissing(to.listener, to.host, error);
    this.#missing.add(place);
  }

  flowFor(own: UdpPort, from: UdpSource): UdpFlow | undefined {
    // Most clients of a socket for all have asked an address that has none yet.
    if (isWildcard(own.host) && this.#machine.clock.now() - this.#lookedAt > SOON_MS) this.#look();
    return this.#begunWider(own, from) ?? this.#siteOf(own)?.begin(own, from);
  }

  /** The flow that a client has begun at a socket for all when there was none yet for the address that it asks. */
  #begunWider(own: UdpPort, from: UdpSource): UdpFlow | undefined {
    for (const host of WILDCARDS) {
      const wider = isWithin(own.host, host) ? this.#ports.get(placeOf({ host, port: own.port })) : undefined;
      if (wider === undefined || wider === own || wider.isIdle) continue;
      const isMapped = host === '::' && isIP(from.address) === 4;
      const known = isMapped ? { address: `::ffff:${from.address}`, port: from.port } : from;
      const flow = own.takeOver(wider, known, from);
      if (flow !== undefined) return flow;
    }
    return undefined;
  }

  #siteOf(own: UdpPort): UdpTaker | undefined {
    for (const held of this.#holdersOf(own)) {
      const site = held.siteNow();
      if (site !== undefined) return site;
    }
    return undefined;
  }

  /** The binds that a socket stands for, the closest first. */
  #holdersOf({ host, port }: UdpPort): Held[] {
    const bound = [...new Set([host, ...WILDCARDS])].filter((each) => isWithin(host, each));
    return bound.flatMap((each) => [...this.#held].filter((held) => held.host === each && held.port === port));
  }

  #close(held: Held): void {
    this.#held.delete(held);
    for (const own of this.#ports.values()) if (own.isIdle) this.onIdle(own);
  }

  onIdle(own: UdpPort): void {
    if (this.#holdersOf(own).length === 0) this.#drop(own);
  }

  #drop(own: UdpPort): void {
    this.#ports.delete(placeOf(own));
    own.close();
  }

  /** Follows the addresses of the machine, while there is a bind to all interfaces. */
  #lookOn(): void {
    if (this.#looking || ![...this.#held].some(({ host }) => isWildcard(host))) return;
    this.#looking = true;
    const lookAgain = (): void => {
      this.#looking = false;
      this.#look();
      this.#lookOn();
    };
    this.#machine.clock.setTimeout(lookAgain, LOOK_MS).unref();
  }

  #look(): void {
    this.#lookedAt = this.#machine.clock.now();
    void this.#inTurn(async () => {
      const here = this.#machine.localAddresses();
      if (here !== undefined) await this.#follow(here);
    });
  }

  async #follow(here: readonly string[]): Promise<void> {
    for (const held of this.#held) await this.#spread(held, here);
    const listed = new Set(here);
    for (const own of [...this.#ports.values()]) {
      const isExtra = !listed.has(own.host) && this.#holdersOf(own).every(({ host }) => host !== own.host);
      const isGone = isExtra && !(await this.#machine.isHere(own.host));
      if (isGone && own.isIdle && this.#ports.get(placeOf(own)) === own) this.#drop(own);
    }
  }
}

function placeOf({ host, port }: Pick<UdpBind, 'host' | 'port'>): string {
  return `${host} ${port}`;
}
