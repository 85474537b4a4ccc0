import type { Buffer } from 'node:buffer';
import type { Doorkeeper, HandshakeEnd, TlsDoor } from '../accept/tls-door.ts';
import type { Deadlines } from '../support/deadlines.ts';
import type { Wire } from '../support/wire.ts';
import { errorResponse, serializeResponse } from './error-response.ts';
import type { ListenerMeters } from './listener-meters.ts';

/** A listener as its entrance sees it. */
export interface EnteredSite {
  readonly deps: { readonly deadlines: Deadlines };
  readonly meters: ListenerMeters;
  /** Takes a place for a connection, and counts it; false when there is none. */
  admit(): boolean;
  /** Gives the place back of a connection that came to nothing. */
  leave(): void;
  /** Serves a connection that has its place. */
  begin(wire: Wire, early?: Buffer): void;
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
export class TlsEntrance implements Doorkeeper {
  readonly deadlines: Deadlines;
  readonly plainHttpAnswer: string;
  readonly #site: EnteredSite;

  /** `http` when the listener speaks HTTP, so that a client which does so without TLS can be told. */
  constructor(site: EnteredSite, http: boolean) {
    this.#site = site;
    this.deadlines = site.deps.deadlines;
    const response = errorResponse('bad-request', 'this port speaks HTTPS: plain HTTP was sent to it');
    this.plainHttpAnswer = http ? serializeResponse(response, { close: true, bodiless: false }) : '';
  }

  /** Takes an accepted handle through its handshake; `early` is what was read from it before. False when there is no place for it. */
  enter(handle: object, door: TlsDoor, early?: Uint8Array): boolean {
    if (!this.#site.admit()) return false;
    door.admit(handle, this, early);
    return true;
  }

  onHandshake(end: HandshakeEnd): void {
    const { meters } = this.#site;
    meters.handshake(end);
    if (end === 'full' || end === 'resumed') return;
    const reason = refusals[end];
    if (reason !== undefined) meters.refused(reason);
    this.#site.leave();
  }

  onSecureWire(wire: Wire): void {
    this.#site.begin(wire);
  }
}
