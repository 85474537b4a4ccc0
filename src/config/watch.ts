import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, realpathSync, statSync, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Clock, TimerHandle } from '../support/clock.ts';
import { largestFileBytes } from './read-text.ts';

/** How a file is watched; times in ms. */
export interface WatchOptions {
  readonly clock: Clock;
  /** How long the file must be left alone before it is looked at: editors write in several steps. Default 200. */
  readonly debounceMs?: number;
  /** How often the file is looked at without any notice of a change. Default 2000. */
  readonly pollMs?: number;
}

/** A watch that goes on until it is closed. It does not keep the process alive. */
export interface ConfigWatch {
  /** Ends the watch; nothing is called afterwards. Closing twice is no error. */
  close(): void;
}

/**
 * Calls `onChange` when the contents of a file are not what they were, compared with the moment of this call (so make
 * it before the file is loaded). Directories are watched rather than the file, so that the watch outlives editors that
 * put a new file in place and the symbolic links that Kubernetes swaps; and because bind mounts and network drives give
 * no notice at all, the file is polled too. A file that is gone for a moment is no change.
 */
export function watchConfig(path: string, onChange: () => void, options: WatchOptions): ConfigWatch {
  const { clock, debounceMs = 200, pollMs = 2000 } = options;
  let stamp = stampOf(path);
  let digest = digestOf(path);
  let settling: TimerHandle | undefined;
  let closed = false;

  const look = () => {
    settling = undefined;
    const now = digestOf(path);
    if (now === undefined || now === digest) return;
    digest = now;
    onChange();
  };
  const stir = () => {
    if (closed) return;
    if (settling) clock.clearTimeout(settling);
    settling = clock.setTimeout(look, debounceMs);
    settling.unref();
  };
  const poll = () => {
    const now = stampOf(path);
    if (now !== stamp) stir();
    stamp = now;
    schedulePoll();
  };
  let polling: TimerHandle;
  const schedulePoll = () => {
    polling = clock.setTimeout(poll, pollMs);
    polling.unref();
  };

  const watchers = placesOf(path).flatMap((place) => watchPlace(place, stir));
  schedulePoll();
  return {
    close() {
      closed = true;
      clock.clearTimeout(polling);
      if (settling) clock.clearTimeout(settling);
      for (const watcher of watchers) watcher.close();
    },
  };
}

interface Place {
  readonly directory: string;
  readonly name: string;
}

/** Where the file is named, and where it really is when that is a symbolic link. */
function placesOf(path: string): Place[] {
  const named = { directory: dirname(resolve(path)), name: basename(path) };
  try {
    const real = realpathSync(path);
    return real === resolve(path) ? [named] : [named, { directory: dirname(real), name: basename(real) }];
  } catch {
    return [named];
  }
}

/** A watcher, or none where the system has no more to give or the directory is gone: polling still sees changes. */
function watchPlace({ directory, name }: Place, stir: () => void): FSWatcher[] {
  try {
    const watcher = watch(directory, { persistent: false }, (_, changed) => {
      // Kubernetes swaps the link `..data` beside the file; other files of the directory are none of our business.
      if (changed === null || changed === name || changed.startsWith('..')) stir();
    });
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}

/** What changes with the file and costs no reading; '' when it cannot be seen. */
function stampOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join(' ');
  } catch {
    return '';
  }
}

/** A digest of the contents; `undefined` when they cannot be read. */
function digestOf(path: string): string | undefined {
  try {
    if (statSync(path).size > largestFileBytes) return stampOf(path);
    return createHash('sha256').update(readFileSync(path)).digest('base64');
  } catch {
    return undefined;
  }
}
