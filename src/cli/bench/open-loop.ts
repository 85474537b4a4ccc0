import { type Dispatcher, Pool } from 'undici';
import type { LoadResult, LoadSpec } from './load.ts';
import { Tally } from './tally.ts';

/** Timers are no finer: what goes out so late is in time, and only what is beyond that counts as waiting. */
const TICK_SLACK_MS = 2;
/** More requests than this are not kept waiting at a time: those that come then count as failures. */
const MOST_WAITING = 50_000;

/**
 * An open loop: requests are due at even distances whatever becomes of those before them, as they are when many clients
 * ask who do not know of each other. A latency runs from when its request was due, so the time it waited for a free
 * connection is part of it, and nothing is omitted (coordinated omission, Gil Tene). After the last one is due, answers
 * are waited for as long as a request may take.
 *
 * Not by autocannon's own rate: that sends the requests of a second at once at its start, and corrects by an interval of
 * 1 ms whatever the rate is (autocannon 9.0, lib/run.js: `Math.ceil(1 / rate)` as milliseconds).
 */
export async function openLoop(
  spec: LoadSpec & { readonly rate: number },
  durationMs: number,
  onAnswer: (answered: number) => void,
): Promise<LoadResult> {
  const run = new OpenLoop(spec, durationMs, onAnswer);
  try {
    return await run.result;
  } finally {
    await run.close();
  }
}

class OpenLoop {
  readonly result: Promise<LoadResult>;
  readonly #spec: LoadSpec & { readonly rate: number };
  readonly #pool: Pool;
  readonly #path: string;
  readonly #tally = new Tally();
  readonly #startedAt = performance.now();
  readonly #durationMs: number;
  readonly #onAnswer: (answered: number) => void;
  readonly #finish: (result: LoadResult) => void;
  readonly #total: number;
  readonly #waiting = new Set<number>();
  #due = 0;
  #bytes = 0;

  constructor(spec: LoadSpec & { readonly rate: number }, durationMs: number, onAnswer: (answered: number) => void) {
    const { promise, resolve } = Promise.withResolvers<LoadResult>();
    const { origin, pathname, search } = new URL(spec.url);
    this.result = promise;
    this.#finish = resolve;
    this.#spec = spec;
    this.#durationMs = durationMs;
    this.#onAnswer = onAnswer;
    this.#path = pathname + search;
    this.#total = Math.max(1, Math.floor((durationMs * spec.rate) / 1000));
    this.#pool = new Pool(origin, {
      connections: spec.connections,
      pipelining: 1,
      connect: { rejectUnauthorized: false, timeout: spec.timeoutMs },
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#tick();
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  #tick = (): void => {
    const now = performance.now() - this.#startedAt;
    const everyMs = 1000 / this.#spec.rate;
    for (; this.#due < this.#total && this.#due * everyMs <= now; this.#due++) {
      const dueAt = this.#due * everyMs;
      this.#send(Math.max(dueAt, Math.min(now, dueAt + TICK_SLACK_MS)));
    }
    const isOver = this.#due === this.#total && now >= this.#durationMs;
    if (isOver && (this.#waiting.size === 0 || now >= this.#durationMs + this.#spec.timeoutMs)) return this.#end();
    const nextMs = this.#due < this.#total ? this.#due * everyMs - now : 1;
    setTimeout(this.#tick, Math.max(1, Math.min(nextMs, 20)));
  };

  #send(dueAt: number): void {
    if (this.#waiting.size >= MOST_WAITING) return this.#tally.failure('not sent: too many are waiting');
    const id = this.#due;
    this.#waiting.add(id);
    const { method, headers, body = null } = this.#spec;
    const options = { path: this.#path, method: method as Dispatcher.HttpMethod, headers, body };
    this.#pool.dispatch(options, this.#handler(id, dueAt));
  }

  #handler(id: number, dueAt: number): Dispatcher.DispatchHandler {
    let status = 0;
    return {
      onRequestStart: () => {},
      onResponseStart: (_controller, code) => {
        status = code;
      },
      onResponseData: (_controller, chunk) => {
        this.#bytes += chunk.length;
      },
      onResponseEnd: () => {
        if (!this.#waiting.delete(id)) return;
        this.#tally.answer(status, performance.now() - this.#startedAt - dueAt);
        this.#onAnswer(this.#tally.answered);
      },
      onResponseError: (_controller, error) => {
        if (this.#waiting.delete(id)) this.#tally.failure((error as NodeJS.ErrnoException).code ?? error.message);
      },
    };
  }

  /** What has no answer by now will not get one in time. */
  #end(): void {
    this.#tally.failure('no answer in time', this.#waiting.size);
    this.#waiting.clear();
    this.#finish(this.#tally.result(this.#durationMs, this.#bytes));
  }
}
