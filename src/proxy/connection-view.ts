/** Where a connection or flow of L4 stands. */
export type ConnectionPhase =
  | 'connecting'
  | 'established'
  | 'half-closed-by-client'
  | 'half-closed-by-backend'
  | 'draining'
  | 'closed';

/** One L4 connection as it is shown: plain data, made when somebody asks. */
export interface ConnectionView {
  readonly listener: string;
  readonly protocol: 'tcp' | 'udp';
  readonly pool: string;
  /** null until a backend was picked. */
  readonly backend: string | null;
  /** Address of the client; null where the system no longer knows it. */
  readonly client: string | null;
  readonly phase: ConnectionPhase;
  /** From the start to now, or to its end, in ms. */
  readonly ageMs: number;
  /** How long the handshake with the backend took; null without one. */
  readonly connectMs: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Which side has ended it and how; null while it is open. */
  readonly ended: string | null;
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
