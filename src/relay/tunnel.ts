import type { Buffer } from 'node:buffer';
import type { Deadlines, Expiring } from '../support/deadlines.ts';
import { TLS_FAILED } from '../support/tls-failure.ts';
import type { Wire, WireSink } from '../support/wire.ts';

/** Why a tunnel ended; `connect-tls` when the backend has refused TLS before it said anything else. */
export type TunnelEnd =
  | 'closed'
  | 'client-reset'
  | 'backend-reset'
  | 'connect-tls'
  | 'idle-timeout'
  | 'half-close-timeout'
  | CutReason;

/** Why a connection is ended that neither side has ended: a drain's time is up, its source was banned, or is not let in any more. */
export type CutReason = 'drained' | 'banned' | 'denied';

/** Limits of a tunnel, in milliseconds; 0 for none. */
export interface TunnelTimeouts {
  /** Without a byte either way. */
  readonly idleMs: number;
  /** Without a byte once one side has sent its FIN. */
  readonly halfCloseMs: number;
}

/** Who hears of a tunnel. */
export interface TunnelObserver {
  /** `bytes` went from the client to the backend, or the other way. */
  onTunnelBytes(fromClient: boolean, bytes: number): void;
  /** The first of the sides has sent its FIN: `firstFin` of the tunnel tells which. */
  onTunnelHalfClosed(by: 'client' | 'backend'): void;
  /** Both wires are gone. Called exactly once. */
  onTunnelEnd(end: TunnelEnd): void;
}

/**
 * Relays bytes between two connected wires until both directions have ended, each by itself: a FIN is passed on as a FIN
 * once what came before it is sent, a reset as a reset. A side that does not read stops the reading of the other, so
 * that at most one read and one write buffer are held per direction.
 */
export class Tunnel implements Expiring {
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly #client: Wire;
  readonly #backend: Wire;
  readonly #deadlines: Deadlines;
  readonly #timeouts: TunnelTimeouts;
  readonly #observer: TunnelObserver;
  #openWires = 2;
  #halfClosed = false;
  /** Which side has sent its FIN first; undefined until one has. */
  firstFin: 'client' | 'backend' | undefined;
  #end: TunnelEnd = 'closed';

  constructor(
    wires: { readonly client: Wire; readonly backend: Wire },
    deadlines: Deadlines,
    timeouts: TunnelTimeouts,
    observer: TunnelObserver,
  ) {
    this.#client = wires.client;
    this.#backend = wires.backend;
    this.#deadlines = deadlines;
    this.#timeouts = timeouts;
    this.#observer = observer;
  }

  /** Takes both wires over and starts relaying, `early` from the client first; a client may have sent its FIN before. */
  start(early?: Buffer): void {
    this.#client.sink = new Side(this, this.#backend, true);
    this.#backend.sink = new Side(this, this.#client, false);
    this.#deadlines.add(this);
    this.touch();
    if (early !== undefined && early.length > 0) this.#client.sink.onBytes(early, early.length);
    this.#client.start();
    this.#backend.start();
    if (this.#client.readableEnded) this.#client.sink.onEnd();
  }

  /** Ends the tunnel amid whatever goes through it, by resets: nobody may take the part that has come for the whole. */
  cut(end: TunnelEnd): void {
    this.#end = end;
    this.#client.reset();
    this.#backend.reset();
  }

  /** In order only when all that was taken from one side has gone to the other. */
  onDeadline(): void {
    const end = this.#halfClosed ? 'half-close-timeout' : 'idle-timeout';
    if (this.#client.unsent || this.#backend.unsent) return this.cut(end);
    this.#end = end;
    this.#client.destroy();
    this.#backend.destroy();
  }

  /** Something moved: the idle time starts anew. */
  touch(): void {
    this.deadline = this.#deadlines.in(this.#halfClosed ? this.#timeouts.halfCloseMs : this.#timeouts.idleMs);
  }

  moved(fromClient: boolean, bytes: number): void {
    this.touch();
    this.#observer.onTunnelBytes(fromClient, bytes);
  }

  halfClosed(fromClient: boolean): void {
    this.#halfClosed = true;
    if (this.firstFin === undefined) {
      this.firstFin = fromClient ? 'client' : 'backend';
      this.#observer.onTunnelHalfClosed(this.firstFin);
    }
    this.touch();
  }

  /** Reads again what was stopped when the wire on the other side was full. */
  resume(fromClient: boolean): void {
    (fromClient ? this.#client : this.#backend).start();
  }

  closed(fromClient: boolean, error: NodeJS.ErrnoException | undefined): void {
    this.#openWires--;
    if (error !== undefined && this.#openWires > 0) {
      this.#end = fromClient ? 'client-reset' : error.code === TLS_FAILED ? 'connect-tls' : 'backend-reset';
      (fromClient ? this.#backend : this.#client).reset();
    }
    if (this.#openWires > 0) return;
    this.#deadlines.remove(this);
    this.#observer.onTunnelEnd(this.#end);
  }
}

/** One direction of a tunnel: what comes in on one wire goes out on the other. */
class Side implements WireSink {
  readonly #tunnel: Tunnel;
  readonly #to: Wire;
  readonly #fromClient: boolean;

  constructor(tunnel: Tunnel, to: Wire, fromClient: boolean) {
    this.#tunnel = tunnel;
    this.#to = to;
    this.#fromClient = fromClient;
  }

  onBytes(bytes: Buffer, length: number): boolean {
    if (this.#to.destroyed) return false;
    this.#tunnel.moved(this.#fromClient, length);
    return this.#to.send(bytes, 0, length);
  }

  onEnd(): void {
    this.#tunnel.halfClosed(this.#fromClient);
    this.#to.end();
  }

  /** This wire took all that was written to it, so the other one may be read again. */
  onDrain(): void {
    this.#tunnel.touch();
    this.#tunnel.resume(!this.#fromClient);
  }

  onClose(error: NodeJS.ErrnoException | undefined): void {
    this.#tunnel.closed(this.#fromClient, error);
  }

  onConnect(): void {}
}
