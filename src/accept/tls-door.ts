import type { Deadlines, Expiring } from '../support/deadlines.ts';
import type { TlsInternals, TlsWireOptions } from '../support/tls-handle.ts';
import { TlsWire } from '../support/tls-wire.ts';
import type { WireSink } from '../support/wire.ts';
import { clientCertificateLines, commonName } from './client-certificate.ts';
import { serverOptions, type TlsListenerPlan } from './tls-context.ts';

/** How a handshake ended: `aborted` when the client left amid it, `plain-http` when it spoke HTTP without TLS. */
export type HandshakeEnd = 'full' | 'resumed' | 'failed' | 'timeout' | 'aborted' | 'plain-http';

/** Who is behind a door. */
export interface Doorkeeper {
  readonly deadlines: Deadlines;
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

  /** Begins the handshake on an accepted handle; `early` is what was read from it already. */
  admit(handle: object, keeper: Doorkeeper, early?: Uint8Array): void {
    const wire = new TlsWire({ ...this.#options, accepted: handle });
    wire.plainHttpAnswer = keeper.plainHttpAnswer;
    new Handshake(wire, keeper, this.plan.clientCa !== '').begin(this.plan.handshakeMs);
    if (early !== undefined) wire.feed(early);
  }
}

/** One handshake under way. */
class Handshake implements WireSink, Expiring {
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly #wire: TlsWire;
  readonly #keeper: Doorkeeper;
  readonly #asksForClient: boolean;
  #late = false;
  #unverified = false;

  constructor(wire: TlsWire, keeper: Doorkeeper, asksForClient: boolean) {
    this.#wire = wire;
    this.#keeper = keeper;
    this.#asksForClient = asksForClient;
    wire.sink = this;
  }

  begin(limitMs: number): void {
    const { deadlines } = this.#keeper;
    this.deadline = deadlines.in(limitMs);
    deadlines.add(this);
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
