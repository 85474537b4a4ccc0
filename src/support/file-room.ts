import { readFileSync } from 'node:fs';

/** Of so many descriptors one is kept, and so many at most. */
const KEPT_OF = 16;
const MOST_KEPT = 64;

/** How often the limit is read again while there are none left, and how often it is told, in ms. */
const READ_AGAIN_MS = 1000;
const TELL_AGAIN_MS = 10_000;

/**
 * Whether this process has descriptors for more clients. The last ones are kept for those that it has, as for their
 * connections to backends, and for whoever wants to see what goes on. At the limit itself libuv would end all that wait to be
 * accepted without telling anybody (`uv__emfile_trick`).
 */
export class FileRoom {
  readonly #onShort: (listener: string) => void;
  readonly #readLimit: () => number | undefined;
  readonly #now: () => number;
  #firstKept: number;
  #readAt = Number.NEGATIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;

  /**
   * `onShort` hears which listener has refused a client for want of descriptors, now and then. `readLimit` tells how many the
   * process may have; undefined when that cannot be known.
   */
  constructor(onShort: (listener: string) => void, readLimit = openFilesLimit, now = () => performance.now()) {
    this.#onShort = onShort;
    this.#readLimit = readLimit;
    this.#now = now;
    this.#firstKept = firstKept(readLimit() ?? Number.POSITIVE_INFINITY);
  }

  /** True when the socket of a new client has one of those that are kept: the system gives the lowest that is free. */
  refuses(fd: number, listener: string): boolean {
    if (fd < this.#firstKept) return false;
    const now = this.#now();
    this.#readAgain(now);
    if (fd < this.#firstKept) return false;
    if (now - this.#toldAt > TELL_AGAIN_MS) {
      this.#toldAt = now;
      this.#onShort(listener);
    }
    return true;
  }

  #readAgain(now: number): void {
    if (now - this.#readAt <= READ_AGAIN_MS) return;
    this.#readAt = now;
    const limit = this.#readLimit();
    if (limit !== undefined) this.#firstKept = firstKept(limit);
  }
}

function firstKept(limit: number): number {
  return limit - Math.min(MOST_KEPT, Math.ceil(limit / KEPT_OF));
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
