// autocannon ships no types; these are the parts of its programmatic interface that are used here.
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  interface Options {
    url: string;
    connections: number;
    /** Seconds. */
    duration: number;
    /** Seconds until a request without an answer counts as an error. */
    timeout: number;
    /** Milliseconds between samples; a run ends at the first sample after its duration. */
    sampleInt: number;
    method?: string;
    headers?: Record<string, string>;
    body?: string;
    requests?: { onResponse: (status: number, body: string) => void }[];
  }

  interface Result {
    /** Connection errors and time-outs. */
    errors: number;
    non2xx: number;
    /** Seconds. */
    duration: number;
    requests: { sent: number; total: number };
  }

  interface Run extends EventEmitter, PromiseLike<Result> {}

  export default function autocannon(options: Options): Run;
}
