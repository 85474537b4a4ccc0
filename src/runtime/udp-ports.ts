import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Bound } from '../accept/listen.ts';
import { UdpPort, type UdpTaker } from '../proxy/udp-port.ts';
import { plainHost } from '../support/address.ts';
import { bindError } from '../support/bind.ts';
import { type Clock, systemClock } from '../support/clock.ts';
import { localAddresses } from '../support/local-addresses.ts';
import { checkUdpFree } from '../support/open-udp.ts';
import type { UdpBind } from '../support/udp-wire.ts';
import { isWithin, showBind } from './bind-place.ts';
import type { BindPlan } from './messages.ts';

/** How often it is looked whether the machine has got other addresses, in ms. */
const LOOK_MS = 5000;

/** What a listener has asked for and has. */
interface Held {
  /** A literal address. */
  readonly host: string;
  readonly port: number;
  /** Other sockets may be on the port, each at another address. */
  readonly reusePort: boolean;
  siteNow(): UdpTaker | undefined;
}

/** What the ports of a machine's addresses need of it. */
export interface UdpPortsDeps {
  readonly clock: Clock;
  localAddresses(): readonly string[];
}

/**
 * The UDP sockets of a worker, one for each address and port. A bind to all interfaces has a socket for each address that
 * they have, beside the one for all: what leaves by that has the address which the system chooses for the way, not the one
 * that was asked. A socket serves the listener with the closest bind, so that binds may come and go above it; one that
 * none has any more stays for the flows that it has, and serves again if a bind comes while they last.
 */
export class UdpPorts {
  readonly #deps: UdpPortsDeps;
  readonly #held = new Set<Held>();
  /** By place. */
  readonly #ports = new Map<string, UdpPort>();
  #looking = false;
  /** One bind is opened at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: UdpPortsDeps = { clock: systemClock, localAddresses }) {
    this.#deps = deps;
  }

  /** `siteNow` tells whose new clients are at the moment. Rejects with a sentence that names the listener and the address. */
  open(bind: BindPlan, to: { host: string; port: number }, siteNow: Held['siteNow']): Promise<Bound> {
    return this.#inTurn(async () => {
      try {
        const host = isIP(to.host) === 0 ? (await lookup(to.host)).address : to.host;
        return await this.#open({ host: plainHost(host), port: to.port, reusePort: bind.shared, siteNow });
      } catch (error) {
        throw bindError(`listener ${bind.listener}`, showBind(bind), error as NodeJS.ErrnoException);
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #open(asked: Held): Promise<Bound> {
    // Sockets of this worker stand in each other's way only where the port cannot be shared.
    if (asked.reusePort && !this.#overlaps(asked)) await checkUdpFree(asked);
    const { port } = await this.#bind(asked);
    const held = { ...asked, port };
    this.#held.add(held);
    await this.#spread(held);
    this.#lookOn();
    return { port, close: () => this.#close(held) };
  }

  #overlaps({ host, port }: Held): boolean {
    return [...this.#ports.values()].some(
      (own) => own.port === port && !own.isClosed && (isWithin(host, own.host) || isWithin(own.host, host)),
    );
  }

  async #bind(to: UdpBind): Promise<UdpPort> {
    const { host } = to;
    const own = this.#ports.get(placeOf(to));
    if (own?.reopen() === true) return own;
    const opened = await UdpPort.bind(to, () => this.#siteOf(opened));
    this.#ports.set(placeOf({ host, port: opened.port }), opened);
    return opened;
  }

  /** Binds the addresses that a bind to all interfaces stands for. */
  async #spread(held: Held): Promise<void> {
    if (!held.reusePort) return;
    const { port, reusePort } = held;
    for (const host of this.#deps.localAddresses()) {
      if (host === held.host || !isWithin(host, held.host)) continue;
      // What cannot be bound, as it has just gone or is another's, is answered by the socket for all.
      await this.#bind({ host, port, reusePort }).catch(() => {});
    }
  }

  /** Whose new clients at a socket are: those of the closest bind that has a listener already. */
  #siteOf(own: UdpPort): UdpTaker | undefined {
    return this.#holdersOf(own)
      .map((held) => held.siteNow())
      .find((site) => site !== undefined);
  }

  /** The binds that a socket stands for, the closest first. */
  #holdersOf({ host, port }: UdpPort): Held[] {
    return [...this.#held]
      .filter((held) => held.port === port && isWithin(host, held.host))
      .sort((a, b) => (isWithin(a.host, b.host) ? -1 : 1));
  }

  #close(held: Held): void {
    this.#held.delete(held);
    for (const own of this.#ports.values()) if (this.#holdersOf(own).length === 0) own.close();
    this.#forgetClosed();
  }

  #forgetClosed(): void {
    for (const [place, own] of this.#ports) if (own.isClosed) this.#ports.delete(place);
  }

  #lookOn(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#deps.clock.setTimeout(() => void this.#look(), LOOK_MS).unref();
  }

  /** Follows the addresses of the machine, while there is a bind to all interfaces. */
  async #look(): Promise<void> {
    await this.#inTurn(async () => {
      for (const held of this.#held) await this.#spread(held);
      const here = new Set(this.#deps.localAddresses());
      for (const own of this.#ports.values()) if (own.isIdle && this.#isGone(own, here)) own.close();
      this.#forgetClosed();
    });
    this.#looking = false;
    if (this.#held.size > 0) this.#lookOn();
  }

  /** True of the socket for an address that is not here any more and was bound for all interfaces alone. */
  #isGone(own: UdpPort, here: ReadonlySet<string>): boolean {
    return !here.has(own.host) && this.#holdersOf(own).every(({ host }) => host !== own.host);
  }
}

function placeOf({ host, port }: Pick<UdpBind, 'host' | 'port'>): string {
  return `${host} ${port}`;
}
