import { Buffer } from 'node:buffer';
import { createSocket, type Socket } from 'node:dgram';
import type { LookupFunction } from 'node:net';
import { describeExpected, textTest } from './expected-text.ts';
import type { ProbeConnect, UdpPolicy } from './policy.ts';
import { connectOptions, type Endpoint, lookupFrom, type Probe, probeFailure } from './probe.ts';

/** What a UDP probe needs from outside. */
export interface UdpProbeDeps extends Pick<ProbeConnect, 'local'> {
  /** Names to addresses; see `lookupThrough`. */
  readonly lookup: LookupFunction;
}

/** The part of the policy that a UDP probe reads. */
export type UdpExpectation = Pick<UdpPolicy, 'send' | 'expect'>;

/**
 * A backend is well when it answers one datagram, from a socket that is the probe's own, with one in which the expected
 * text is. The first answer decides. Nothing tells a datagram that was lost from a backend that is silent, so it takes
 * several probes in a row (`fall`) to take one down; where nobody listens the system says so at once.
 */
export class UdpProbe implements Probe {
  readonly #expect: string;
  readonly #payload: Buffer;
  readonly #lookup: LookupFunction;
  readonly #local: string;
  readonly #fits: (answer: string) => boolean;

  /** Throws a SyntaxError when `expect` is a regular expression that does not compile. */
  constructor({ send, expect }: UdpExpectation, { lookup, local = '' }: UdpProbeDeps) {
    this.#expect = expect;
    this.#payload = Buffer.from(send, 'latin1');
    this.#lookup = lookupFrom(local, lookup);
    this.#local = local;
    this.#fits = textTest(expect);
  }

  async check(to: Endpoint, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const where = connectOptions(to);
    if ('path' in where) throw new Error('a Unix socket takes no UDP');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let socket: Socket | undefined;
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    this.#lookup(where.host, { all: false }, (error, address, family) => {
      if (error !== null) return reject(probeFailure(error));
      if (signal.aborted) return;
      socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4' });
      socket.on('error', (cause) => reject(probeFailure(cause)));
      socket.on('message', (answer) => this.#judge(answer, resolve, reject));
      const opened = socket;
      if (this.#local !== '') opened.bind({ address: this.#local });
      socket.connect(where.port, address as string, () => opened.send(this.#payload));
    });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      socket?.close();
    }
  }

  #judge(answer: Buffer, resolve: () => void, reject: (reason: Error) => void): void {
    if (this.#fits(answer.toString('latin1'))) resolve();
    else reject(new Error(`the answer does not ${describeExpected(this.#expect)}`));
  }
}
