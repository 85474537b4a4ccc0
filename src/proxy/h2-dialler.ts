import type { Destination, Dialler } from '../connect/dialler.ts';
import { BackendSession, type SessionKeeper } from '../http2/backend-session.ts';
import { H2BackendWire } from '../http2/backend-wire.ts';
import type { Deadlines, Expiring } from '../support/deadlines.ts';
import { TLS_FAILED } from '../support/tls-failure.ts';
import { silentSink, type Wire, type WireSink } from '../support/wire.ts';

/** Sessions that one worker has with one address, however few streams each of them may have. */
const MAX_SESSIONS = 16;
/** Streams that wait for room at one address; more are refused at once. */
const MAX_WAITING = 1024;
/** Streams that a session is taken to allow while the backend has not said so. */
const ASSUMED_STREAMS = 100;

/** Limits of the sessions of a pool, in ms. */
export interface SessionLimits {
  /** For a session to be made, the backend's settings included. */
  readonly timeoutMs: number;
  /** How long a session without streams is kept. */
  readonly keepAliveIdleMs: number;
}

/** Connections to backends that speak HTTP/2: what is dialled is a stream of a session that all requests share. */
export class H2Dialler implements Dialler {
  /** How the connections beneath are made. */
  readonly beneath: Dialler;
  /** How connections are made that are to speak HTTP/1.1; undefined in the clear, where nothing is agreed on. */
  readonly http1: Dialler | undefined;
  readonly deadlines: Deadlines;
  limits: SessionLimits;
  readonly #places = new Map<string, Place>();

  constructor(beneath: Dialler, http1: Dialler | undefined, deadlines: Deadlines, limits: SessionLimits) {
    this.beneath = beneath;
    this.http1 = http1;
    this.deadlines = deadlines;
    this.limits = limits;
  }

  get scheme(): 'http' | 'https' {
    return this.http1 === undefined ? 'http' : 'https';
  }

  dial(destination: Destination, sink: WireSink): Wire {
    const { to, host, local } = destination;
    const key = `${'path' in to ? to.path : `${to.host} ${to.port}`} ${host} ${local}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = new Place(this, destination, () => this.#places.delete(key));
      this.#places.set(key, place);
    }
    const wire = new H2BackendWire(sink);
    place.want(wire);
    return wire;
  }

  /** Ends all sessions behind their last streams: new ones would be made in another way. */
  retire(): void {
    for (const place of this.#places.values()) place.retire();
  }

  /** Sessions that are open or being made. */
  get sessions(): number {
    let count = 0;
    for (const place of this.#places.values()) count += place.sessions.size;
    return count;
  }
}

/** An address: its sessions, and the streams that wait for room in one. */
class Place {
  readonly sessions = new Set<PlacedSession>();
  readonly dialler: H2Dialler;
  readonly destination: Destination;
  readonly #onEmpty: () => void;
  readonly #waiting = new Set<H2BackendWire>();
  #serving = false;

  constructor(dialler: H2Dialler, destination: Destination, onEmpty: () => void) {
    this.dialler = dialler;
    this.destination = destination;
    this.#onEmpty = onEmpty;
  }

  /** Finds room for a stream. It hears of it, or of the opposite, but not before this has returned. */
  want(wire: H2BackendWire): void {
    this.#waiting.add(wire);
    wire.onGivenUp = () => {
      this.#waiting.delete(wire);
      this.#forgetWhenEmpty();
    };
    if (this.#waiting.size > MAX_WAITING) {
      const error = new Error(`more than ${MAX_WAITING} requests wait for a stream to the backend`);
      process.nextTick(() => this.#fail([wire], error));
    } else this.serve();
  }

  /** Gives streams the room there is, when the callback under way is over. */
  serve(): void {
    if (this.#serving || this.#waiting.size === 0) return;
    this.#serving = true;
    process.nextTick(() => {
      this.#serving = false;
      this.#serve();
    });
  }

  #serve(): void {
    for (const session of this.sessions) {
      for (const wire of this.#waiting) {
        if (!session.hasRoom) break;
        this.#waiting.delete(wire);
        session.give(wire);
      }
    }
    let coming = 0;
    for (const session of this.sessions) if (session.isComing) coming++;
    while (this.#waiting.size > coming * ASSUMED_STREAMS && this.sessions.size < MAX_SESSIONS) {
      if (coming > 0 && this.sessions.size > coming) break;
      coming++;
      const session = new PlacedSession(this);
      this.sessions.add(session);
      session.dial();
    }
  }

  /** A session is gone. When it never came to be, nothing better is to be expected for those who wait. */
  gone(session: PlacedSession, error: NodeJS.ErrnoException, wasReady: boolean): void {
    this.sessions.delete(session);
    const others = [...this.sessions].some(({ isComing, isReady }) => isComing || isReady);
    if (!wasReady && !others) this.#fail([...this.#waiting], error);
    else this.serve();
    this.#forgetWhenEmpty();
  }

  #fail(wires: readonly H2BackendWire[], error: NodeJS.ErrnoException): void {
    for (const wire of wires) if (this.#waiting.delete(wire)) wire.failed(error);
  }

  #forgetWhenEmpty(): void {
    if (this.sessions.size === 0 && this.#waiting.size === 0) this.#onEmpty();
  }

  retire(): void {
    for (const session of this.sessions) session.retire();
  }
}

/** A session from its dial to its end. */
class PlacedSession implements WireSink, SessionKeeper, Expiring {
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly #place: Place;
  #wire: Wire | undefined;
  #session: BackendSession | undefined;
  #wasReady = false;
  #over = false;
  /** Undefined unless the backend was asked whether it is still there. */
  #doubt: Doubt | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  get isComing(): boolean {
    return !this.#wasReady && !this.#over;
  }
  get isReady(): boolean {
    return this.#session?.ready === true;
  }
  get hasRoom(): boolean {
    return this.#session?.hasRoom === true;
  }

  dial(): void {
    const { deadlines, limits, beneath } = this.#place.dialler;
    this.deadline = deadlines.in(limits.timeoutMs);
    deadlines.add(this);
    this.#wire = beneath.dial(this.#place.destination, this);
  }

  give(wire: H2BackendWire): void {
    this.deadline = Number.POSITIVE_INFINITY;
    wire.connected(this.#session!);
  }

  onConnect(): void {
    const wire = this.#wire!;
    const { scheme } = this.#place.dialler;
    if (scheme === 'https' && wire.alpnProtocol !== 'h2') {
      this.#end(Object.assign(new Error('the backend does not speak HTTP/2 (ALPN)'), { code: TLS_FAILED }));
      return wire.destroy();
    }
    this.#wire = undefined;
    this.#session = new BackendSession(wire.handOver!(), scheme, this);
  }

  onClose(error: NodeJS.ErrnoException | undefined): void {
    this.#end(error);
  }
  onBytes(): boolean {
    return false;
  }
  onEnd(): void {}
  onDrain(): void {}

  onReady(): void {
    this.#wasReady = true;
    this.onRoom();
  }

  onRoom(): void {
    if (this.#session?.streams === 0) {
      const { deadlines, limits } = this.#place.dialler;
      this.deadline = deadlines.in(limits.keepAliveIdleMs);
    }
    this.#place.serve();
  }

  /** The backend lets no more streams in. */
  onLeaving(): void {
    this.#place.serve();
  }

  onGone(error: Error | undefined): void {
    this.#end(error);
  }

  onDoubt(): void {
    const { deadlines, limits } = this.#place.dialler;
    this.#doubt = new Doubt(deadlines, limits.timeoutMs, () => this.#session?.destroy());
  }

  onSign(): void {
    this.#doubt?.end();
  }

  dialHttp1(sink: WireSink): Wire | undefined {
    const { http1, deadlines, limits } = this.#place.dialler;
    if (http1 === undefined) return undefined;
    const timed = new TimedSink(sink, deadlines, limits.timeoutMs);
    timed.wire = http1.dial(this.#place.destination, timed);
    return timed.wire;
  }

  /** It was not made in time, or had no stream for long enough. */
  onDeadline(): void {
    if (this.#wasReady) return this.retire();
    this.#end(late('the backend did not begin to speak HTTP/2 in time'));
    this.#wire?.destroy();
    this.#session?.destroy();
  }

  retire(): void {
    if (this.#session !== undefined) this.#session.finish();
    else this.#wire?.destroy();
  }

  #end(error: NodeJS.ErrnoException | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#place.dialler.deadlines.remove(this);
    this.#doubt?.end();
    this.#place.gone(this, error ?? new Error('the backend closed the connection'), this.#wasReady);
  }
}

/** A session whose backend has been silent for too long: it ends when no sign of life comes in time. */
class Doubt implements Expiring {
  deadline: number;
  deadlineIndex = -1;
  readonly onDeadline: () => void;
  readonly #deadlines: Deadlines;

  constructor(deadlines: Deadlines, timeoutMs: number, onDeadline: () => void) {
    this.#deadlines = deadlines;
    this.onDeadline = onDeadline;
    this.deadline = deadlines.in(timeoutMs);
    deadlines.add(this);
  }

  end(): void {
    this.#deadlines.remove(this);
  }
}

/** Stands in for a sink until its wire is connected, and ends it when it is not in time. */
class TimedSink implements WireSink, Expiring {
  wire!: Wire;
  deadline: number;
  deadlineIndex = -1;
  readonly #sink: WireSink;
  readonly #deadlines: Deadlines;

  constructor(sink: WireSink, deadlines: Deadlines, timeoutMs: number) {
    this.#sink = sink;
    this.#deadlines = deadlines;
    this.deadline = deadlines.in(timeoutMs);
    deadlines.add(this);
  }

  onConnect(): void {
    this.#deadlines.remove(this);
    this.wire.sink = this.#sink;
    this.#sink.onConnect();
  }

  onClose(error: NodeJS.ErrnoException | undefined): void {
    this.#deadlines.remove(this);
    this.#sink.onClose(error);
  }

  onDeadline(): void {
    this.wire.sink = silentSink;
    this.wire.destroy();
    this.onClose(late('the backend did not accept the connection in time'));
  }

  onBytes(): boolean {
    return false;
  }
  onEnd(): void {}
  onDrain(): void {}
}

function late(message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}
