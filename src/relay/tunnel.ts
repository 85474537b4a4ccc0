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
  /** Without a byte once one side has sent its FIN, and nothing waits to be sent. */
  readonly halfCloseMs: number;
}

/** How often a tunnel is looked at while one of its sides does not take what was read for it, in ms. */
const LOOK_MS = 1000;

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
  readonly #fromClient: Side;
  readonly #fromBackend: Side;
  /** One of the sides is stopped. */
  #stopped = false;
  /** When the time is up, while it is looked at before that. */
  #due = Number.POSITIVE_INFINITY;
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
    this.#fromClient = new Side(this, wires.backend, true);
    this.#fromBackend = new Side(this, wires.client, false);
  }

  /** Takes both wires over and starts relaying, `early` from the client first; a client may have sent its FIN before. */
  start(early?: Buffer): void {
    this.#client.sink = this.#fromClient;
    this.#backend.sink = this.#fromBackend;
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
    if (this.#stopped && this.#look()) return;
    const end = this.#halfClosed ? 'half-close-timeout' : 'idle-timeout';
    if (this.#client.unsent || this.#backend.unsent) return this.cut(end);
    this.#end = end;
    this.#client.destroy();
    this.#backend.destroy();
  }

  /**
   * A reader that is slow moves bytes too, of which nobody is told before all that waits is sent; nor of the reset of a side
   * that is not read. True when there is nothing to do any more, or not yet.
   */
  #look(): boolean {
    if (this.#endLost()) return true;
    const fromClient = this.#fromClient.hasMoved();
    if (this.#fromBackend.hasMoved() || fromClient) this.stopsChanged();
    else if (this.#due > this.#deadlines.now) this.#lookBefore(this.#due);
    else return false;
    return true;
  }

  /** Ends the tunnel when a side that is not read, since the other one takes nothing, is gone. */
  #endLost(): boolean {
    const isClient = this.#fromClient.stopped && this.#client.lost === true;
    if (!isClient && !(this.#fromBackend.stopped && this.#backend.lost === true)) return false;
    this.cut(isClient ? 'client-reset' : 'backend-reset');
    return true;
  }

  #lookBefore(due: number): void {
    this.#due = due;
    this.deadline = Math.min(due, this.#deadlines.in(LOOK_MS));
  }

  /** Something moved: the idle time starts anew. */
  touch(): void {
    const { idleMs, halfCloseMs } = this.#timeouts;
    if (this.#stopped) this.#lookBefore(this.#whenStuck());
    else this.deadline = this.#deadlines.in(this.#halfClosed ? halfCloseMs : idleMs);
  }

  /** What waits for a reader is no silence of the writer, so that a half-closed tunnel has the longer of its times. */
  #whenStuck(): number {
    const { idleMs, halfCloseMs } = this.#timeouts;
    const idle = this.#deadlines.in(idleMs);
    return this.#halfClosed ? Math.max(idle, this.#deadlines.in(halfCloseMs)) : idle;
  }

  /** A side was stopped, or is not any more. */
  stopsChanged(): void {
    this.#stopped = this.#fromClient.stopped || this.#fromBackend.stopped;
    this.touch();
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

  /** That wire took all that was written to it, so the other one may be read again. */
  drained(isClient: boolean): void {
    (isClient ? this.#fromBackend : this.#fromClient).stopped = false;
    this.stopsChanged();
    (isClient ? this.#backend : this.#client).start();
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
  /** Bytes wait for the other side, so that nothing more is read for it. */
  stopped = false;
  /** How much of them there was when it was looked at last. */
  #queued = 0;

  constructor(tunnel: Tunnel, to: Wire, fromClient: boolean) {
    this.#tunnel = tunnel;
    this.#to = to;
    this.#fromClient = fromClient;
  }

  onBytes(bytes: Buffer, length: number): boolean {
    if (this.#to.destroyed) return false;
    this.#tunnel.moved(this.#fromClient, length);
    const goOn = this.#to.send(bytes, 0, length);
    if (!goOn) this.#stop();
    return goOn;
  }

  onEnd(): void {
    this.#tunnel.halfClosed(this.#fromClient);
    this.#to.end();
    if (this.#to.unsent) this.#stop();
  }

  #stop(): void {
    this.stopped = true;
    this.#queued = this.#to.queued;
    this.#tunnel.stopsChanged();
  }

  /** True when some of what waits was sent since this was asked last. */
  hasMoved(): boolean {
    if (!this.stopped) return false;
    const before = this.#queued;
    this.#queued = this.#to.queued;
    this.stopped = this.#queued > 0;
    return this.#queued < before;
  }

  /** This wire took all that was written to it. */
  onDrain(): void {
    this.#tunnel.drained(this.#fromClient);
  }

  onClose(error: NodeJS.ErrnoException | undefined): void {
    this.#tunnel.closed(this.#fromClient, error);
  }

  onConnect(): void {}
}
