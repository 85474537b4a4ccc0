import type { Buffer } from 'node:buffer';
import type { Doorkeeper, HandshakeEnd, TlsDoor } from '../accept/tls-door.ts';
import type { Deadlines } from '../support/deadlines.ts';
import type { Proxied } from '../support/proxied.ts';
import type { AcceptedSocket } from '../support/socket-handle.ts';
import type { Wire } from '../support/wire.ts';
import type { Arrival, Arrivals } from './arrivals.ts';
import { presentAs } from './client-ends.ts';
import { errorResponse, serializeResponse } from './error-response.ts';
import type { ListenerMeters } from './listener-meters.ts';
import { sourceOf } from './source-gate.ts';

/** A listener as its entrance sees it. */
export interface EnteredSite {
  readonly deps: { readonly deadlines: Deadlines };
  readonly meters: ListenerMeters;
  /** Those that are not served yet. */
  readonly arrivals: Arrivals;
  /** Counts something that is refused, under this reason, of a client at `source`. */
  refused(reason: string, source: string): void;
  /** Takes a place for a connection, and counts it; false when there is none. */
  admit(): boolean;
  /** Gives the place back of a connection that came to nothing. */
  leave(): void;
  /** Serves a connection that has its place, and is no arrival any more; `early` is what was read from it already. */
  begin(wire: Wire, arrival?: Arrival, early?: Buffer): void;
}

/** Handshakes that Fairlead refuses, and under which reason it counts them; a client that leaves is not refused. */
const refusals: Partial<Record<HandshakeEnd, string>> = {
  failed: 'tls-handshake',
  timeout: 'tls-timeout',
  'plain-http': 'plain-http',
};

/**
 * Where connections to a listener with TLS come in. They take their place before the handshake, so that clients which
 * never finish one are limited as all others are; what goes wrong here reaches no backend.
 */
export class TlsEntrance {
  readonly #deadlines: Deadlines;
  readonly #plainHttpAnswer: string;
  readonly #site: EnteredSite;

  /** `http` when the listener speaks HTTP, so that a client which does so without TLS can be told. */
  constructor(site: EnteredSite, http: boolean) {
    this.#site = site;
    this.#deadlines = site.deps.deadlines;
    const response = errorResponse('bad-request', 'this port speaks HTTPS: plain HTTP was sent to it');
    this.#plainHttpAnswer = http ? serializeResponse(response, { close: true, bodiless: false }) : '';
  }

  /** Takes an accepted handle through its handshake. False when there is no place for it. */
  enter(handle: AcceptedSocket, door: TlsDoor): boolean {
    if (!this.#site.admit()) return false;
    // When the handshake has failed, nothing tells its address any more.
    door.admit(handle, this.keeperFor(this.#site.arrivals.add(sourceOf(handle))));
    return true;
  }

  /** Who takes an arrival through its handshake, of which a PROXY header may have said who it is. */
  keeperFor(arrival: Arrival, proxied?: Proxied): Doorkeeper {
    return {
      deadlines: this.#deadlines,
      plainHttpAnswer: this.#plainHttpAnswer,
      onWire(wire) {
        arrival.wire = wire;
      },
      onHandshake: (end) => this.#onHandshake(end, arrival),
      onSecureWire: (wire) => {
        if (proxied !== undefined) presentAs(wire, proxied);
        this.#site.begin(wire, arrival);
      },
    };
  }

  #onHandshake(end: HandshakeEnd, arrival: Arrival): void {
    this.#site.meters.handshake(end);
    if (end === 'full' || end === 'resumed') return;
    const reason = refusals[end];
    if (reason !== undefined) this.#site.refused(reason, arrival.source);
    arrival.left();
  }
}
