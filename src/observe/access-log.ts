import type { Clock, TimerHandle } from '../support/clock.ts';
import type { TraceRecord } from './trace-record.ts';

/** One request that ended. Texts that do not apply are '': the pool of a redirect, a header that was not sent. */
export interface RequestRecord {
  readonly kind: 'request';
  /** When its first byte arrived, in ms of Unix time. */
  readonly time: number;
  readonly listener: string;
  readonly route: string;
  readonly pool: string;
  /** Id of the backend that answered, or that was tried last. */
  readonly backend: string;
  /** The client's IP address. */
  readonly client: string;
  readonly method: string;
  /** The request target as it was sent. */
  readonly target: string;
  readonly host: string;
  /** The protocol with its version, like 'HTTP/1.1'. */
  readonly protocol: string;
  /** What the client was answered; 499 when it left first, and 0 when a request was cut short without any answer. */
  readonly status: number;
  /** Bytes of head and body read from the client, and written to it. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Those of `bytesOut` that are not of a head. */
  readonly bodyBytesOut: number;
  /** From the request's first byte to the answer's last. */
  readonly durationMs: number;
  /** Time in the queue of the pool, of all attempts together; 0 without a wait. */
  readonly queueMs: number;
  /** Time to open the connection to the backend; 0 when one was reused or none was needed. */
  readonly connectMs: number;
  /** From the request's being sent to the backend that answered to the first byte of its answer; 0 when none answered. */
  readonly firstByteMs: number;
  /** How many times a backend was tried. */
  readonly attempts: number;
  /** Why it ended, as a code: 'served', 'client-aborted', or the code of the error that Fairlead answered. */
  readonly ended: string;
  /** What is known of the cause beyond the code, in words; '' when the code says it all. */
  readonly cause: string;
  readonly requestId: string;
  /** The id of the trace that it is part of; '' for none. */
  readonly traceId: string;
  readonly userAgent: string;
  readonly referer: string;
  /** What its spans say, in records that spans are made of. */
  readonly trace?: TraceRecord;
}

/** One L4 connection that ended. */
export interface ConnectionRecord {
  readonly kind: 'connection';
  /** When it was accepted, in ms of Unix time. */
  readonly time: number;
  readonly listener: string;
  readonly pool: string;
  /** Id of the backend it was relayed to, or that was tried last; '' for none. */
  readonly backend: string;
  /** The client's IP address. */
  readonly client: string;
  /** Bytes read from the client, and written to it. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  readonly queueMs: number;
  readonly connectMs: number;
  readonly attempts: number;
  /** Why it ended, as a code: 'closed', 'client-aborted', 'backend-reset', 'idle-timeout' and the like. */
  readonly ended: string;
}

/** What the access log has a line for. Only plain values, so that it can be posted between threads. */
export type AccessRecord = RequestRecord | ConnectionRecord;

/** Records on their way to the control plane, and how many had to be left out since the batch before. */
export interface AccessBatch {
  readonly records: readonly AccessRecord[];
  readonly dropped: number;
}

/** What an AccessBuffer is made of. */
export interface AccessBufferOptions {
  /** Share of requests to log, 0 to 1. */
  readonly sample: number;
  /** Sends a batch to the control plane, which then has `acknowledge` called on this side. */
  readonly post: (batch: AccessBatch) => void;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

const FLUSH_MS = 200;
const BATCH_RECORDS = 256;
const BATCH_CHARACTERS = 256 * 1024;
const UNACKNOWLEDGED_BATCHES = 8;
const WAITING_BATCHES = 8;

/** About what a record weighs: the lengths of the texts that a client chooses. */
function characters(record: AccessRecord): number {
  if (record.kind === 'connection') return 0;
  return record.target.length + record.host.length + record.userAgent.length + record.referer.length;
}

/**
 * A worker's side of the access log: it gathers records and posts them in batches, 200 ms after the first or when
 * there are 256, or 256 Ki characters of what clients sent. No more than 8 batches are on their way at once and 8 more
 * wait; what comes on top is dropped and counted, so a control plane that is slow costs lines, never memory or time.
 */
export class AccessBuffer {
  readonly #options: AccessBufferOptions;
  readonly #waiting: AccessRecord[][] = [];
  #current: AccessRecord[] = [];
  #currentCharacters = 0;
  #unacknowledged = 0;
  #dropped = 0;
  #timer: TimerHandle | undefined;

  /** Sets no timer until a record is pushed. */
  constructor(options: AccessBufferOptions) {
    this.#options = options;
  }

  /** Whether this request is one to log. To be asked before its record is built, and once. */
  sampled(): boolean {
    const { sample, random } = this.#options;
    return sample >= 1 || random() < sample;
  }

  /** Takes a record, or counts it as dropped. */
  push(record: AccessRecord): void {
    if (this.#currentIsFull()) {
      this.#dropped++;
      return;
    }
    this.#current.push(record);
    this.#currentCharacters += characters(record);
    if (this.#currentIsFull()) this.#cut();
    else this.#timer ??= this.#startTimer();
  }

  /** The control plane has taken a batch: another may be sent. */
  acknowledge(): void {
    this.#unacknowledged = Math.max(0, this.#unacknowledged - 1);
    this.#send();
    // Held without a timer means that it was due when there was no place for it.
    if (this.#current.length > 0 && this.#timer === undefined) this.#cut();
  }

  /** Sends what is held without waiting for more, as far as the control plane keeps up; for the end of a worker. */
  flush(): void {
    if (this.#current.length > 0) this.#cut();
  }

  #startTimer(): TimerHandle {
    const timer = this.#options.clock.setTimeout(() => this.flush(), FLUSH_MS);
    timer.unref();
    return timer;
  }

  #currentIsFull(): boolean {
    return this.#current.length >= BATCH_RECORDS || this.#currentCharacters >= BATCH_CHARACTERS;
  }

  /** Closes the current batch, unless too many wait already: then it stays, and once full drops what comes. */
  #cut(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length >= WAITING_BATCHES) return;
    this.#waiting.push(this.#current);
    this.#current = [];
    this.#currentCharacters = 0;
    this.#send();
  }

  #send(): void {
    while (this.#unacknowledged < UNACKNOWLEDGED_BATCHES) {
      const records = this.#waiting.shift();
      if (records === undefined) return;
      this.#unacknowledged++;
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.#options.post({ records, dropped });
    }
  }
}
