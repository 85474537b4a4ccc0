import { connect, type LookupFunction } from 'node:net';
import type { Address } from '../support/address.ts';
import type { Clock, TimerHandle } from '../support/clock.ts';
import { formatDuration } from '../support/duration.ts';
import { type AgentReply, readAgentReply } from './agent-reply.ts';
import { connectOptionsFrom, probeFailure } from './probe.ts';

/** How the agents of a pool are asked; times in ms. */
export interface AgentPolicy {
  readonly port: number;
  readonly interval: number;
  readonly timeout: number;
  /** What is sent first, one character a byte. */
  readonly send: string;
  /** The address of this machine that they are asked from; '' or undefined for any. */
  readonly local?: string | undefined;
}

/** What a watch needs from outside, and whom it tells. */
export interface AgentWatchDeps {
  readonly clock: Clock;
  /** Names to addresses. */
  readonly lookup: LookupFunction;
  /** Uniform in [0, 1). */
  random(): number;
  onReply(reply: AgentReply): void;
  /** Called when the agent cannot be asked, or understood, for another reason than the last time. */
  onProblem(problem: string): void;
}

const JITTER = 0.1;
/** Bytes of an answer that are looked at for the end of its line. */
const MOST_BYTES = 1024;

/**
 * Asks the agent beside one backend, over TCP, once an interval, give or take 10 %: sends what there is to send, and takes one
 * line. An agent that cannot be reached or understood changes nothing.
 */
export class AgentWatch {
  /** Resolves when the agent was asked for the first time, however that ended. */
  readonly asked: Promise<void>;
  readonly #address: Address;
  readonly #policy: AgentPolicy;
  readonly #deps: AgentWatchDeps;
  readonly #stopping = new AbortController();
  #timer: TimerHandle | undefined;
  #problem = '';

  constructor(address: Address, policy: AgentPolicy, deps: AgentWatchDeps) {
    this.#address = address;
    this.#policy = policy;
    this.#deps = deps;
    this.asked = this.#ask();
  }

  /** Asks no more; nobody hears of the question under way. */
  stop(): void {
    this.#stopping.abort();
    if (this.#timer !== undefined) this.#deps.clock.clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    const startedMs = this.#deps.clock.now();
    const read = await this.#line().then(readAgentReply, (error: Error) => error.message);
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const { clock, onReply, onProblem, random } = this.#deps;
    const gapMs = this.#policy.interval * (1 - JITTER + 2 * JITTER * random());
    this.#timer = clock.setTimeout(() => void this.#ask(), Math.max(0, startedMs + gapMs - clock.now()));
    this.#timer.unref();
    if (typeof read === 'string') {
      if (read !== this.#problem) onProblem(read);
      this.#problem = read;
      return;
    }
    this.#problem = '';
    onReply(read);
  }

  /** One answer, without the end of its line; rejects when there is none. */
  #line(): Promise<string> {
    const { clock, lookup } = this.#deps;
    const { timeout, send, port, local = '' } = this.#policy;
    const { signal } = this.#stopping;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = connect(connectOptionsFrom(local, { address: this.#address, port }, lookup));
    const lateness = new Error(`no answer within ${formatDuration(timeout)}`);
    const timer = clock.setTimeout(() => reject(lateness), timeout);
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    let text = '';
    socket.setEncoding('latin1');
    if (send !== '') socket.write(send, 'latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const line = /^[^\r\n]*(?=[\r\n])/.exec(text);
      if (line !== null) resolve(line[0]);
      else if (text.length > MOST_BYTES) reject(new Error(`no line of at most ${MOST_BYTES} bytes`));
    });
    socket.on('end', () => resolve(text));
    socket.on('error', (cause) => reject(probeFailure(cause)));
    return promise.finally(() => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
    });
  }
}
