import { createHmac } from 'node:crypto';

/** A session's cookie is renewed when so many parts of its life, of this many, have begun. */
const PARTS = 4;
/** Bytes of the hash that a cookie's value shows: nobody guesses 144 bits. */
const VALUE_BYTES = 18;

/** What a session's cookie is like: plain data, sent from the control plane. */
export interface CookiePlan {
  readonly name: string;
  /** How long a session lives without a request, in ms; 0 for as long as the browser runs. */
  readonly ttlMs: number;
  /** '' for none: then the name of the pool takes its place. */
  readonly secret: string;
  /** Browsers are to send it over TLS only. */
  readonly secure: boolean;
}

/** A backend of a pool, as far as cookies tell of it. */
export interface CookieSeat {
  readonly pool: { readonly pool: { readonly name: string } };
  readonly backend: { readonly id: string };
}

/** Cookies of one part of time: those that are made in it. */
interface Part<Seat> {
  readonly number: number;
  readonly seats: ReadonlyMap<string, Seat>;
  readonly values: ReadonlyMap<Seat, string>;
}

/** What a cookie's value says. */
export interface Reading<Seat> {
  readonly seat: Seat;
  /** It is time to give the session a new cookie for the same backend. */
  readonly ageing: boolean;
}

/**
 * The cookies of a route: a keyed hash of the backend's pool and id, and of the time when there is a ttl. The values that
 * are good now are worked out beforehand, so a request costs a look-up and no cryptography, and what a client makes up
 * is merely not found. Time is cut into parts of a quarter of the ttl. A value is good in the part it was made in and in
 * the four that follow, and is renewed when it is seen in one of those: a session ends when it was silent for a ttl, or
 * up to a quarter more, whatever the client does with the cookie.
 */
export class CookieBook<Seat extends CookieSeat> {
  readonly #plan: CookiePlan;
  readonly #seats: readonly Seat[];
  readonly #now: () => number;
  readonly #attributes: string;
  /** Newest first. */
  #parts: readonly Part<Seat>[] = [];

  /** `now` is the time of day in milliseconds, so that a restart changes nothing. */
  constructor(plan: CookiePlan, seats: readonly Seat[], now: () => number) {
    this.#plan = plan;
    this.#seats = seats;
    this.#now = now;
    const age = plan.ttlMs === 0 ? '' : `; Max-Age=${Math.ceil(plan.ttlMs / 1000)}`;
    this.#attributes = `; Path=/${age}; HttpOnly; SameSite=Lax${plan.secure ? '; Secure' : ''}`;
  }

  /** What this value says; `undefined` when it is none of ours, too old, or of a backend that is no longer there. */
  read(value: string): Reading<Seat> | undefined {
    for (const part of this.#current()) {
      const seat = part.seats.get(value);
      if (seat !== undefined) return { seat, ageing: part !== this.#parts[0] };
    }
    return undefined;
  }

  /** The field line, with its CRLF, that gives a client the cookie of this seat. */
  lineFor(seat: Seat): string {
    const { number, values } = this.#current()[0]!;
    const value = values.get(seat) ?? this.#valueOf(seat, number);
    return `Set-Cookie: ${this.#plan.name}=${value}${this.#attributes}\r\n`;
  }

  #current(): readonly Part<Seat>[] {
    const { ttlMs } = this.#plan;
    const number = ttlMs === 0 ? 0 : Math.floor(this.#now() / (ttlMs / PARTS));
    if (this.#parts[0]?.number === number) return this.#parts;
    const numbers = ttlMs === 0 ? [0] : Array.from({ length: PARTS + 1 }, (_, back) => number - back);
    const known = new Map(this.#parts.map((part) => [part.number, part]));
    this.#parts = numbers.map((one) => known.get(one) ?? this.#makePart(one));
    return this.#parts;
  }

  #makePart(number: number): Part<Seat> {
    const seats = new Map<string, Seat>();
    const values = new Map<Seat, string>();
    for (const seat of this.#seats) {
      const value = this.#valueOf(seat, number);
      seats.set(value, seat);
      values.set(seat, value);
    }
    return { number, seats, values };
  }

  #valueOf({ pool: { pool }, backend }: Seat, part: number): string {
    const hash = createHmac('sha256', this.#plan.secret || `pool ${pool.name}`);
    const life = this.#plan.ttlMs === 0 ? '' : `\n${this.#plan.ttlMs}\n${part}`;
    hash.update(`${pool.name}\n${backend.id}${life}`);
    return hash.digest().subarray(0, VALUE_BYTES).toString('base64url');
  }
}
