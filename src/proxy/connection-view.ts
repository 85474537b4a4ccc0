/** Where a connection or flow stands; `opening` is one that is not served yet, `idle` one of HTTP between requests. */
export type ConnectionPhase =
  | 'opening'
  | 'idle'
  | 'connecting'
  | 'established'
  | 'half-closed-by-client'
  | 'half-closed-by-backend'
  | 'draining'
  | 'closed';

/** The phase of a connection of which this side has sent its FIN, and the other has not. */
export const halfClosedBy = { client: 'half-closed-by-client', backend: 'half-closed-by-backend' } as const;

/**
 * One connection as it is shown: plain data, made when somebody asks. Of HTTP the age, the bytes, the pool and the backend
 * are those of the request under way.
 */
export interface ConnectionView {
  readonly listener: string;
  readonly protocol: 'http' | 'tcp' | 'udp';
  /** null between requests of HTTP. */
  readonly pool: string | null;
  /** null until a backend was picked. */
  readonly backend: string | null;
  /** Address of the client; null where the system no longer knows it. */
  readonly client: string | null;
  readonly phase: ConnectionPhase;
  /** From the start to now, or to its end, in ms; null between requests of HTTP. */
  readonly ageMs: number | null;
  /** Requests of HTTP under way, of which HTTP/2 may have several; null in L4. */
  readonly requests: number | null;
  /** How long the handshake with the backend took; null without one. */
  readonly connectMs: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Which side has ended it and how; null while it is open. */
  readonly ended: string | null;
  /** When it ended, in ms since 1970; null while it is open. */
  readonly endedAt: number | null;
}

/** Which connections somebody wants to see. */
export interface ConnectionsWanted {
  /** At most so many open ones and so many that have ended. */
  readonly limit: number;
  /** Open ones that are left out before them. */
  readonly offset: number;
  /** Undefined for all. */
  readonly listener: string | undefined;
  readonly protocol: ConnectionView['protocol'] | undefined;
}

/** What one worker shows. */
export interface ConnectionsShown {
  /** Connections and flows that are open, whether shown or not. */
  readonly total: number;
  readonly open: readonly ConnectionView[];
  /** Those that have ended last, the latest first. */
  readonly ended: readonly ConnectionView[];
}

/** Connections that have ended and are still shown, for each worker. */
const MOST_ENDED = 256;

/** The connections that ended last: a bounded ring, and nothing in it holds on to a socket. */
export class EndedRing {
  readonly #ring: ConnectionView[] = [];
  #next = 0;

  /** Takes one in; the oldest gives way. */
  add(view: ConnectionView): void {
    this.#ring[this.#next] = view;
    this.#next = (this.#next + 1) % MOST_ENDED;
  }

  /** The latest first, at most so many. */
  latest(limit: number): ConnectionView[] {
    const inOrder = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    return inOrder.reverse().slice(0, limit);
  }
}
