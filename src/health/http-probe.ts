import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import type { LookupFunction } from 'node:net';
import { hostBeforePort } from '../support/address.ts';
import { formatBytes } from '../support/bytes.ts';
import { describeExpected, textTest } from './expected-text.ts';
import { opener, type ProbeSocket } from './open-probe.ts';
import type { HttpPolicy, ProbeConnect } from './policy.ts';
import { connectOptions, type Endpoint, type Probe, probeFailure } from './probe.ts';

const MOST_BODY_BYTES = 64 * 1024;
const CLOSED_EARLY = 'connection closed before the answer';

/** What a probe over HTTP, of whatever version, needs from outside. */
export interface HttpProbeDeps extends ProbeConnect {
  /** Names to addresses; see `lookupThrough`. */
  readonly lookup: LookupFunction;
  /** Fairlead's version, for the User-Agent. */
  readonly version: string;
}

/** The part of the policy that an HTTP probe reads. */
export type HttpExpectation = Pick<HttpPolicy, 'path' | 'status' | 'body'>;

/**
 * A backend is well when it answers one GET, on a connection of its own, with an expected status and body. Redirects
 * are answers, not orders. A body is judged by its first 64 KiB.
 *
 * The response is read to its end even if only the status counts, because some backends report a client that leaves
 * early as an error; but then a body that is slow or endless is no failure.
 */
export class HttpProbe implements Probe {
  readonly #expect: HttpExpectation;
  readonly #open: (to: Endpoint) => ProbeSocket;
  readonly #userAgent: string;
  readonly #bodyFits: (body: string) => boolean;

  /** Throws a SyntaxError when `body` is a regular expression that does not compile. */
  constructor(expect: HttpExpectation, deps: HttpProbeDeps) {
    this.#expect = expect;
    this.#open = opener(deps.lookup, deps);
    this.#userAgent = `fairlead-health/${deps.version}`;
    this.#bodyFits = textTest(expect.body);
  }

  async check(to: Endpoint, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let failure: ProbeSocket['failure'] = probeFailure;
    // Opened only when asked for: a request that cannot be sent throws before, and would leave a socket nobody listens to.
    const createConnection = () => {
      const opened = this.#open(to);
      failure = opened.failure;
      return opened.socket;
    };
    const asked = request({ ...this.#options(to), createConnection });
    let answered = false;
    const onAbort = () => (answered && this.#expect.body === '' ? resolve() : reject(signal.reason));
    signal.addEventListener('abort', onAbort);
    asked.on('response', (response) => {
      answered = true;
      const { statusCode = 0 } = response;
      if (this.#statusFits(statusCode)) this.#judgeBody(response).then(resolve, reject);
      else reject(new Error(`status ${statusCode}, expected ${formatRanges(this.#expect.status)}`));
    });
    asked.on('error', (error) => reject(requestFailure(error, failure)));
    asked.on('close', () => {
      if (!answered) reject(new Error(CLOSED_EARLY));
    });
    // Not before what the connection begins with.
    asked.once('socket', (socket) => (socket.connecting ? socket.once('connect', () => asked.end()) : asked.end()));
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      asked.destroy();
    }
  }

  #statusFits(code: number): boolean {
    return this.#expect.status.some(([from, to]) => from <= code && code <= to);
  }

  async #judgeBody(response: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > MOST_BODY_BYTES) break;
      }
    } catch (error) {
      throw requestFailure(error as Error, probeFailure);
    }
    const body = Buffer.concat(chunks).toString('utf8', 0, Math.min(bytes, MOST_BODY_BYTES));
    if (this.#bodyFits(body)) return;
    const where = bytes > MOST_BODY_BYTES ? ` in its first ${formatBytes(MOST_BODY_BYTES)}` : '';
    throw new Error(`body does not ${describeExpected(this.#expect.body)}${where}`);
  }

  #options(to: Endpoint): RequestOptions {
    const headers = { Host: hostField(to), 'User-Agent': this.#userAgent, Accept: '*/*', Connection: 'close' };
    return { path: this.#expect.path, headers };
  }
}

/** The Host field for an endpoint (RFC 9110 §7.2); a Unix socket has no authority and gets the usual stand-in. */
function hostField(to: Endpoint): string {
  const where = connectOptions(to);
  if ('path' in where) return 'localhost';
  const host = where.host.includes(':') ? where.host.replace(/%.*/, '') : where.host;
  return `${hostBeforePort(host)}:${where.port}`;
}

function formatRanges(ranges: HttpExpectation['status']): string {
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

// node:http reports a connection that was closed properly, but too early, as a reset with a message of its own.
function requestFailure(error: Error, failure: (cause: Error) => Error): Error {
  if (error.message === 'socket hang up') return new Error(CLOSED_EARLY, { cause: error });
  if (error.message === 'aborted') return new Error('connection closed in the middle of the answer', { cause: error });
  return failure(error);
}
