import type { Writable } from 'node:stream';
import type { Config } from '../config/schema.ts';
import { AccessWriter } from '../observe/access-writer.ts';
import type { Logger } from '../observe/log.ts';
import type { TracingPlan } from '../observe/trace-record.ts';
import { openTracing, type Tracing } from '../observe/tracing.ts';
import { systemClock } from '../support/clock.ts';
import { version } from '../support/version.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** How long the access log and spans may take to go out, in ms, when they are closed. */
const FLUSH_MS = 1000;

/** Where the records of workers go. */
export interface RecordDeskOptions {
  /** Where the access log is written. */
  readonly stream: Writable;
  readonly logger: Logger;
}

/** The control plane's end of what workers record of requests and connections: the access log, and spans. */
export class RecordDesk {
  readonly #options: RecordDeskOptions;
  #access: AccessWriter | undefined;
  #spans: Tracing | undefined;

  constructor(options: RecordDeskOptions) {
    this.#options = options;
  }

  /** Starts the export of spans, if the environment asks for one; to be called before the first plan is made. */
  async startTracing(environment: NodeJS.ProcessEnv): Promise<void> {
    this.#spans = await openTracing(environment, version, (message) => this.#options.logger.warn(message));
  }

  /** How workers are to trace; undefined when they are not. */
  get tracing(): TracingPlan | undefined {
    return this.#spans?.plan;
  }

  /** Writes the access log from here on as this config says. */
  open({ log }: Config): void {
    const { stream, logger } = this.#options;
    void this.#access?.close(FLUSH_MS);
    this.#access =
      log.access === false
        ? undefined
        : new AccessWriter({
            stream,
            format: log.access.format,
            clock: systemClock,
            onDropped: (count) => logger.warn({ count }, 'access log records were dropped'),
          });
  }

  /** Takes a batch, and returns what the worker is to be told. */
  take(message: Extract<FromWorker, { type: 'access' | 'spans' }>): ToWorker {
    if (message.type === 'access') {
      this.#access?.take(message.batch);
      return { type: 'access-taken' };
    }
    this.#spans?.take(message.batch);
    return { type: 'spans-taken' };
  }

  /** Resolves when all that was taken is out, or there was no time for it. */
  async close(): Promise<void> {
    await Promise.all([this.#access?.close(FLUSH_MS), this.#spans?.close(FLUSH_MS)]);
  }
}
