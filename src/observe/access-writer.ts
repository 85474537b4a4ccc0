import type { Writable } from 'node:stream';
import type { Clock, TimerHandle } from '../support/clock.ts';
import { type AccessFormat, formatAccess } from './access-format.ts';
import type { AccessBatch } from './access-log.ts';

/** What an AccessWriter is made of. */
export interface AccessWriterOptions {
  /** Where lines go. It stays open when the writer is closed. */
  readonly stream: Writable;
  readonly format: AccessFormat;
  readonly clock: Clock;
  /** Told how many records were dropped since it was told last, at most every 10 s. */
  readonly onDropped: (count: number) => void;
}

const PENDING_CHARACTERS = 1024 * 1024;
const DROP_REPORT_MS = 10_000;

/** What is under way when a writer is closed may fail later, and a stream's error that nobody hears is fatal. */
function ignoreError(): void {}

/**
 * The control plane's side of the access log: it formats batches and writes each in one go. While the stream is held
 * up, up to 1 Mi characters wait; further batches are dropped and counted, for the log must not hold up the process.
 */
export class AccessWriter {
  readonly #options: AccessWriterOptions;
  readonly #onDrain = () => this.#resume();
  readonly #onError = () => this.#fail();
  #pending: string[] = [];
  #pendingCharacters = 0;
  #pendingRecords = 0;
  #heldUp = false;
  #failed = false;
  #unreported = 0;
  #reportTimer: TimerHandle | undefined;

  /** Listens to the stream's 'drain' and 'error' until it is closed. */
  constructor(options: AccessWriterOptions) {
    this.#options = options;
    options.stream.on('drain', this.#onDrain);
    options.stream.on('error', this.#onError);
  }

  /** Writes a batch, or keeps it for later, or drops it. */
  take(batch: AccessBatch): void {
    this.#countDropped(batch.dropped);
    const { records } = batch;
    if (records.length === 0) return;
    if (this.#failed || (this.#heldUp && this.#pendingCharacters >= PENDING_CHARACTERS)) {
      this.#countDropped(records.length);
      return;
    }
    let text = '';
    for (const record of records) text += `${formatAccess(record, this.#options.format)}\n`;
    if (this.#heldUp) {
      this.#pending.push(text);
      this.#pendingCharacters += text.length;
      this.#pendingRecords += records.length;
    } else this.#heldUp = !this.#options.stream.write(text);
  }

  /**
   * Resolves when all that was taken has been written, the stream has failed, or `limitMs` are over, whichever comes
   * first. Nothing may be taken after this.
   */
  close(limitMs: number): Promise<void> {
    const { stream, clock } = this.#options;
    if (this.#reportTimer !== undefined) clock.clearTimeout(this.#reportTimer);
    this.#report();
    return new Promise((resolve) => {
      const done = (): void => {
        clock.clearTimeout(limit);
        stream.off('drain', this.#onDrain);
        stream.off('error', this.#onError);
        resolve();
      };
      const limit = clock.setTimeout(done, limitMs);
      if (!stream.listeners('error').includes(ignoreError)) stream.on('error', ignoreError);
      stream.write(this.#takePending(), done);
    });
  }

  #takePending(): string {
    const text = this.#pending.join('');
    this.#pending = [];
    this.#pendingCharacters = 0;
    this.#pendingRecords = 0;
    return text;
  }

  #resume(): void {
    this.#heldUp = false;
    if (this.#pending.length > 0) this.#heldUp = !this.#options.stream.write(this.#takePending());
  }

  #fail(): void {
    this.#failed = true;
    this.#countDropped(this.#pendingRecords);
    this.#takePending();
  }

  #countDropped(count: number): void {
    if (count === 0) return;
    this.#unreported += count;
    if (this.#reportTimer !== undefined) return;
    this.#reportTimer = this.#options.clock.setTimeout(() => this.#report(), DROP_REPORT_MS);
    this.#reportTimer.unref();
  }

  #report(): void {
    this.#reportTimer = undefined;
    const count = this.#unreported;
    this.#unreported = 0;
    if (count > 0) this.#options.onDropped(count);
  }
}
