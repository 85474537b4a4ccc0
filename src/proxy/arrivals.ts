import { type Member, Members } from '../support/members.ts';
import type { Wire } from '../support/wire.ts';
import type { ConnectionView } from './connection-view.ts';
import type { PhaseMeters } from './phase-meters.ts';
import { cutDenied, type SourceGate } from './source-gate.ts';
import type { Guarded, SourceGuard } from './source-guard.ts';

/** A listener as its arrivals see it. */
export interface ArrivalSite {
  readonly name: string;
  readonly deps: { now(): number };
  /** Undefined where phases are not counted. */
  readonly phases?: PhaseMeters;
  /** Undefined when nothing is held against sources. */
  readonly guard: SourceGuard | undefined;
  /** Gives the place back of a connection that came to nothing. */
  leave(): void;
}

/** A connection that has its place and is not served yet: a PROXY header, TLS or a ClientHello is to come first. */
export class Arrival implements Member, Guarded {
  memberIndex = -1;
  readonly startedAt: number;
  /** What has the connection by now. */
  wire: Wire | undefined;
  /** The address of the client, or of who passes its connection on as long as `isSender`; '' over a Unix socket. */
  source: string;
  /** A PROXY header is still to say who the client is. */
  isSender = false;
  readonly #arrivals: Arrivals;

  constructor(arrivals: Arrivals, source: string, startedAt: number) {
    this.#arrivals = arrivals;
    this.source = source;
    this.startedAt = startedAt;
  }

  /** The PROXY header has said who the client is. */
  isOf(source: string): void {
    this.isSender = false;
    this.source = source;
    this.#arrivals.watch(this);
  }

  /** It is served from now on, and keeps its place. */
  served(): void {
    this.#arrivals.remove(this);
  }

  /** It came to nothing, and has no place any more. */
  left(): void {
    this.#arrivals.remove(this);
    this.#arrivals.leave();
  }

  /** Ends it with a reset, whatever it waits for; who waits hears of that as if the client had left. */
  cut(): void {
    this.wire?.reset();
  }
}

/** The connections of a listener that wait for what has to come before they are served. */
export class Arrivals {
  readonly #site: ArrivalSite;
  readonly #members = new Members<Arrival>();

  constructor(site: ArrivalSite) {
    this.#site = site;
  }

  get size(): number {
    return this.#members.size;
  }

  /** A connection has come in. */
  add(source: string, wire?: Wire): Arrival {
    const arrival = new Arrival(this, source, this.#site.deps.now());
    arrival.wire = wire;
    this.#members.add(arrival);
    this.#site.phases?.entered('opening');
    this.#site.guard?.watch(arrival, source);
    return arrival;
  }

  /** Its source is another one than before, or the guard is. */
  watch(arrival: Arrival): void {
    this.#site.guard?.forget(arrival);
    this.#site.guard?.watch(arrival, arrival.source);
  }

  remove(arrival: Arrival): void {
    if (!this.#members.remove(arrival)) return;
    this.#site.phases?.left('opening');
    this.#site.guard?.forget(arrival);
  }

  leave(): void {
    this.#site.leave();
  }

  /** The listener has another guard. */
  watchAll(): void {
    for (const arrival of this.#members.all()) this.watch(arrival);
  }

  /** Ends those whose clients are not let in any more. */
  cutDenied(gate: SourceGate | undefined): void {
    const known = this.#members.all().filter(({ isSender }) => !isSender);
    cutDenied(gate, known, ({ source }) => source);
  }

  /** Ends all of them. */
  cut(): void {
    for (const arrival of this.#members.all()) arrival.cut();
  }

  /** At most so many of them. */
  shown(limit: number, protocol: 'http' | 'tcp'): ConnectionView[] {
    return this.#members.first(limit).map(({ source, startedAt }) => ({
      listener: this.#site.name,
      protocol,
      pool: null,
      backend: null,
      client: source === '' ? null : source,
      phase: 'opening',
      ageMs: this.#site.deps.now() - startedAt,
      requests: protocol === 'http' ? 0 : null,
      connectMs: null,
      bytesIn: 0,
      bytesOut: 0,
      ended: null,
      endedAt: null,
    }));
  }
}
