import type { Buffer } from 'node:buffer';
import type { Deadlines, Expiring } from '../support/deadlines.ts';
import { wires } from '../support/open-wire.ts';
import type { TlsInternals, TlsWireOptions } from '../support/tls-handle.ts';
import { TlsWire } from '../support/tls-wire.ts';
import type { Wire, WireSink } from '../support/wire.ts';
import { clientCertificateLines, commonName } from './client-certificate.ts';
import { parseClientHello } from './client-hello.ts';
import { type OpeningParse, readOpening } from './opening.ts';
import { serverOptions, type TlsListenerPlan } from './tls-context.ts';

/** How a handshake ended: `aborted` when the client left amid it, `plain-http` when it spoke HTTP without TLS. */
export type HandshakeEnd = 'full' | 'resumed' | 'failed' | 'timeout' | 'aborted' | 'plain-http';

/** Who is behind a door. */
export interface Doorkeeper {
  readonly deadlines: Deadlines;
  /** This wire has the connection from now on, until another one does or the handshake is over. */
  onWire(wire: Wire): void;
  /** A handshake is over; unless it was `full` or `resumed`, so is the connection. */
  onHandshake(end: HandshakeEnd): void;
  /** The wire is ready; nothing comes before `wire.start()`. */
  onSecureWire(wire: TlsWire): void;
  /** What a client is told, in the clear, that speaks plain HTTP; '' for nothing. */
  readonly plainHttpAnswer: string;
}

/** Where a listener's connections become TLS wires: the handshake, with a time limit, and the check of the client. */
export class TlsDoor {
  readonly plan: TlsListenerPlan;
  readonly #options: TlsWireOptions;

  /** Throws when a certificate or key of the plan is not one. */
  constructor(plan: TlsListenerPlan) {
    this.plan = plan;
    this.#options = serverOptions(plan);
  }

  /** Begins the handshake on an accepted handle; `before` is the wire it had so far, and what that has read. */
  admit(handle: object, keeper: Doorkeeper, before?: { readonly wire: Wire; readonly early: Buffer }): void {
    const until = keeper.deadlines.in(this.plan.handshakeMs);
    if (this.#readsNames()) this.#readName(handle, keeper, until, before);
    else this.#shake(handle, keeper, until, before);
  }

  /** OpenSSL forgets the name of a client that goes on with a session of TLS 1.2. */
  #readsNames(): boolean {
    return this.plan.namesWanted && this.plan.minVersion === 'TLSv1.2';
  }

  #readName(handle: object, keeper: Doorkeeper, until: number, before?: { wire: Wire; early: Buffer }): void {
    const wire = before?.wire ?? wires.accepted(handle);
    keeper.onWire(wire);
    readOpening<string>(
      wire,
      {
        deadlines: keeper.deadlines,
        limitMs: this.plan.handshakeMs,
        parse: nameIn,
        onOpening: (_wire, name, early) => this.#shake(handle, keeper, until, { early, name }),
        onFailure(failed, failure) {
          failed.destroy();
          keeper.onHandshake(failure === 'timeout' ? 'timeout' : 'aborted');
        },
      },
      before?.early,
    );
  }

  #shake(handle: object, keeper: Doorkeeper, until: number, known: { early?: Buffer; name?: string } = {}): void {
    const wire = new TlsWire({ ...this.#options, accepted: handle });
    wire.plainHttpAnswer = keeper.plainHttpAnswer;
    keeper.onWire(wire);
    new Handshake(wire, keeper, { asksForClient: this.plan.clientCa !== '', name: known.name ?? '' }).begin(until);
    if (known.early !== undefined) wire.feed(known.early);
  }
}

/** The host name at the start of a handshake; '' for none, and for what OpenSSL is to refuse. */
function nameIn(bytes: Buffer): OpeningParse<string> {
  const hello = parseClientHello(bytes);
  if (hello === 'more') return undefined;
  return { value: typeof hello === 'string' ? '' : hello.serverName, end: 0 };
}

/** One handshake under way. */
class Handshake implements WireSink, Expiring {
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly #wire: TlsWire;
  readonly #keeper: Doorkeeper;
  readonly #asksForClient: boolean;
  readonly #name: string;
  #late = false;
  #unverified = false;

  constructor(wire: TlsWire, keeper: Doorkeeper, about: { readonly asksForClient: boolean; readonly name: string }) {
    this.#wire = wire;
    this.#keeper = keeper;
    this.#asksForClient = about.asksForClient;
    this.#name = about.name;
    wire.sink = this;
  }

  begin(until: number): void {
    this.deadline = until;
    this.#keeper.deadlines.add(this);
  }

  onDeadline(): void {
    this.#late = true;
    this.#wire.destroy();
  }

  onConnect(): void {
    const wire = this.#wire;
    if (this.#asksForClient && !this.#verify()) {
      this.#unverified = true;
      wire.destroy();
      return;
    }
    if (!wire.servername && this.#name !== '') wire.servername = this.#name;
    const { deadlines } = this.#keeper;
    deadlines.remove(this);
    this.#keeper.onHandshake(wire.isSessionReused() ? 'resumed' : 'full');
    this.#keeper.onSecureWire(wire);
  }

  /** OpenSSL only notes what is wrong with a client's certificate, and in a session that goes on there might be none. */
  #verify(): boolean {
    const handle = (this.#wire as unknown as TlsInternals)._handle!;
    const certificate =
      handle.verifyError() || !handle.hasPeerCertificate() ? undefined : this.#wire.getPeerX509Certificate();
    if (certificate === undefined) return false;
    this.#wire.clientLines = clientCertificateLines(certificate);
    this.#wire.clientName = commonName(certificate);
    return true;
  }

  onClose(error: NodeJS.ErrnoException | undefined): void {
    const keeper = this.#keeper;
    keeper.deadlines.remove(this);
    keeper.onHandshake(this.#endOf(error));
  }

  #endOf(error: NodeJS.ErrnoException | undefined): HandshakeEnd {
    if (this.#late) return 'timeout';
    if (this.#unverified) return 'failed';
    if (error?.code === 'ERR_SSL_HTTP_REQUEST') return 'plain-http';
    return error?.code?.startsWith('ERR_SSL_') === true ? 'failed' : 'aborted';
  }

  onBytes(): boolean {
    return false;
  }
  onEnd(): void {}
  onDrain(): void {}
}
