import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** What a call returns that finds none left. */
export const TOO_MANY_FILES = -constants.errno.EMFILE;

/** A part of the descriptors that is kept: one of `of`, and `most` at most. */
interface Kept {
  readonly of: number;
  readonly most: number;
}

/**
 * For the clients that there are. More than can be let in before the first of them has its backend: a worker accepts up to
 * eight of a port in a turn, by a ring 128, and dials at the end of it.
 */
const KEPT_FROM_CLIENTS: Kept = { of: 4, most: 256 };
/** For whoever wants to see what goes on, and for files of the process itself. */
const KEPT_FROM_DIALS: Kept = { of: 16, most: 16 };

/** How often the limit is read again while there are none left, and how often it is told, in ms. */
const READ_AGAIN_MS = 1000;
const TELL_AGAIN_MS = 10_000;

/** Tells how many descriptors this process may have; undefined when that cannot be known. */
export type ReadLimit = () => number | undefined;

/**
 * How many descriptors this process may have, and which of them are kept: the system gives the lowest that is free. At the
 * limit itself libuv would end all that wait to be accepted without telling anybody (`uv__emfile_trick`).
 */
export class FileLimit {
  readonly #readLimit: ReadLimit;
  readonly #now: () => number;
  #readAt = Number.NEGATIVE_INFINITY;
  #limit: number | undefined;

  constructor(readLimit = openFilesLimit, now = () => performance.now()) {
    this.#readLimit = readLimit;
    this.#now = now;
    this.#read();
  }

  /** True when the socket of a new client has a descriptor that is kept. */
  isKeptFromClients(fd: number): boolean {
    return this.#isKept(fd, KEPT_FROM_CLIENTS);
  }

  /** True when the socket of a new connection to a backend has one. */
  isKeptFromDials(fd: number): boolean {
    return this.#isKept(fd, KEPT_FROM_DIALS);
  }

  #isKept(fd: number, kept: Kept): boolean {
    if (this.#limit !== undefined && fd < endOf(this.#limit, kept)) return false;
    this.#read();
    return this.#limit !== undefined && fd >= endOf(this.#limit, kept);
  }

  /** Reads the limit if that is due; one that cannot be read stays as it was. */
  #read(): void {
    const now = this.#now();
    if (now - this.#readAt <= READ_AGAIN_MS) return;
    this.#readAt = now;
    this.#limit = this.#readLimit() ?? this.#limit;
  }
}

function endOf(limit: number, { of, most }: Kept): number {
  return limit - Math.min(most, Math.ceil(limit / of));
}

/** The soft limit of open files (`ulimit -n`), where the system tells it in /proc. */
function openFilesLimit(): number | undefined {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined;
  }
}

/** That of this process, as this thread knows it. */
export const fileLimit = new FileLimit();

/** Refuses new clients while few descriptors are left. */
export class FileRoom {
  readonly #onShort: (listener: string) => void;
  readonly #limit: FileLimit;
  readonly #now: () => number;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** `onShort` hears which listener has refused a client for that, every ten seconds at most. */
  constructor(onShort: (listener: string) => void, limit = fileLimit, now = () => performance.now()) {
    this.#onShort = onShort;
    this.#limit = limit;
    this.#now = now;
  }

  /** True when a new client whose socket has this descriptor is to be refused. */
  refuses(fd: number, listener: string): boolean {
    if (!this.#limit.isKeptFromClients(fd)) return false;
    const now = this.#now();
    if (now - this.#toldAt > TELL_AGAIN_MS) {
      this.#toldAt = now;
      this.#onShort(listener);
    }
    return true;
  }
}
