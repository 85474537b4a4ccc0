import { stat } from 'node:fs/promises';
import { type Loaded, loadConfig } from '../config/load.ts';
import type { Clock, TimerHandle } from '../support/clock.ts';
import type { Io } from './io.ts';

/** A file's identity, size and time of change: when these are the same, so is the text. */
async function fingerprint(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return undefined;
  }
}

/** What a ConfigFile is made of. */
export interface ConfigFileOptions {
  readonly path: string;
  readonly env: Io['env'];
  readonly clock: Clock;
  /** How often the file is looked at while it is watched. */
  readonly pollMs: number;
}

/**
 * The config file of a running instance. It is watched by looking at it now and then, for notices of change do not come
 * for files that are mounted into a container or lie on another machine.
 */
export class ConfigFile {
  readonly #options: ConfigFileOptions;
  #loaded: string | undefined;
  #timer: TimerHandle | undefined;
  #watching = false;

  constructor(options: ConfigFileOptions) {
    this.#options = options;
  }

  /** The file's path as it was named. */
  get path(): string {
    return this.#options.path;
  }

  /** Loads the file as it is now. */
  async load(): Promise<Loaded> {
    const { path, env } = this.#options;
    // Taken first: a change during the load is then seen as one.
    this.#loaded = await fingerprint(path);
    return loadConfig(path, { env });
  }

  /**
   * Calls `onChange`, and waits for it, when the file has become another than the one loaded last and has then stayed
   * the same from one look to the next, so that no half-written file is read. A file that is gone is waited for. Does
   * nothing while the file is watched already.
   */
  watch(onChange: () => Promise<unknown>): void {
    if (this.#watching) return;
    this.#watching = true;
    let seen = this.#loaded;
    const look = async (): Promise<void> => {
      const now = await fingerprint(this.path);
      const settled = now === seen;
      seen = now;
      if (this.#watching && settled && now !== undefined && now !== this.#loaded) await onChange();
      if (this.#watching) this.#lookLater(look);
    };
    this.#lookLater(look);
  }

  /** Ends the watch. */
  close(): void {
    this.#watching = false;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  #lookLater(look: () => Promise<void>): void {
    this.#timer = this.#options.clock.setTimeout(() => void look(), this.#options.pollMs);
  }
}
