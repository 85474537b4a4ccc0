import { constants } from 'node:os';
import type { Seen } from './ring-passes.ts';

const { EAGAIN, EINTR, ENOBUFS, ECANCELED } = constants.errno;
/** What sending and receiving fail with when the socket is as it was. */
export const passing: ReadonlySet<number> = new Set([-EAGAIN, -EINTR, -ENOBUFS, -ECANCELED]);

/** A socket that a ring receives from. */
export class RingMember<Owner> implements Seen {
  readonly owner: Owner;
  readonly fd: number;
  readonly tag: number;
  receiving = true;
  /** The ring is to let go of it: nothing may be written through the ring any more. */
  leaving = false;
  pass = 0;
  look = 0;

  constructor(owner: Owner, fd: number, tag: number) {
    this.owner = owner;
    this.fd = fd;
    this.tag = tag;
  }
}

/** Who is meant by the numbers in what a ring tells. A number is given to another once it is free. */
export class Tags<T> {
  readonly #tagged: (T | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#tagged.length - this.#free.length;
  }

  /** A number that is nobody's, for `set`. */
  take(): number {
    return this.#free.pop() ?? this.#tagged.push(undefined) - 1;
  }

  set(tag: number, one: T): void {
    this.#tagged[tag] = one;
  }

  get(tag: number): T | undefined {
    return this.#tagged[tag];
  }

  free(tag: number): void {
    this.#tagged[tag] = undefined;
    this.#free.push(tag);
  }
}
