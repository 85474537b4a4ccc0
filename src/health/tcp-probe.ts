import type { LookupFunction } from 'node:net';
import type { Clock, TimerHandle } from '../support/clock.ts';
import { refusesHandshake } from '../support/tls-failure.ts';
import { opener, type ProbeSocket } from './open-probe.ts';
import type { ProbeConnect } from './policy.ts';
import type { Endpoint, Probe } from './probe.ts';

const LINGER_MS = 100;

/** What a TCP probe needs from outside. */
export interface TcpProbeDeps extends ProbeConnect {
  readonly clock: Clock;
  /** Names to addresses; see `lookupThrough`. */
  readonly lookup: LookupFunction;
}

/**
 * A backend is well when it accepts a connection; over TLS, when the handshake is done, it has shown who it is, and it does
 * not refuse us while the probe takes leave, as it may in TLS 1.3.
 *
 * The probe takes leave with a FIN, not a reset: a reset spares us the TIME_WAIT (some thirty a backend, which is
 * nothing) but reaches many a backend as an error on a connection it just accepted, and ends a Node process that has
 * no handler for it. For the same reason a greeting is read and thrown away rather than left to bounce, for at most
 * 100 ms if the backend does not close its side.
 */
export class TcpProbe implements Probe {
  readonly #deps: TcpProbeDeps;
  readonly #open: (to: Endpoint) => ProbeSocket;

  constructor(deps: TcpProbeDeps) {
    this.#deps = deps;
    this.#open = opener(deps.lookup, deps);
  }

  async check(to: Endpoint, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { clock } = this.#deps;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { socket, ready, failure } = this.#open(to);
    let linger: TimerHandle | undefined;
    // Once connected the verdict stands: whatever ends the wait, an error included, only ends the wait.
    const fail = (cause: Error) => (linger === undefined ? reject(cause) : resolve());
    const onAbort = () => fail(signal.reason);
    signal.addEventListener('abort', onAbort);
    socket.on(ready, () => {
      linger = clock.setTimeout(resolve, LINGER_MS);
      socket.resume().end();
    });
    socket.on('error', (error) => (refusesHandshake(error) ? reject : fail)(failure(error)));
    socket.on('close', () => resolve());
    try {
      await promise;
    } finally {
      if (linger !== undefined) clock.clearTimeout(linger);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
    }
  }
}
