import net from 'node:net';
import { parseAddress } from '../../src/support/address.ts';
import { type HttpText, type Reading, readMessages } from './http-text.ts';
import { remember } from './opened.ts';
import { PATIENCE_MS } from './patience.ts';

/** How often a wait looks at what no event of the client tells of, in ms. */
const LOOK_MS = 5;

/** How a connection ended: by a FIN of the other side, or by a reset or another error. */
export type Ending = 'fin' | 'reset';

/** What came back on a connection until it ended. */
export interface Outcome {
  readonly text: string;
  readonly ending: Ending;
}

/**
 * A client that sends bytes as they are and keeps what comes back, as latin1 text. Half-open: a FIN of the other side
 * does not end it. Every wait gives up, with what has come so far, instead of hanging.
 */
export class RawClient {
  readonly socket: net.Socket;
  /** All that has come so far. */
  text = '';
  /** How the other side ended the connection; undefined while it is open. */
  ending: Ending | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#noted(() => (this.text += chunk)));
    socket.on('end', () => this.#noted(() => (this.ending ??= 'fin')));
    socket.on('error', () => this.#noted(() => (this.ending ??= 'reset')));
    socket.on('close', () => this.#noted(() => (this.ending ??= 'fin')));
  }

  #noted(note: () => void): void {
    note();
    for (const look of this.#waiting) look();
  }

  /** Sends latin1 text or bytes as they are. */
  send(bytes: string | Uint8Array): this {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
    return this;
  }

  /** Sends a FIN and goes on reading. */
  end(): this {
    this.socket.end();
    return this;
  }

  /** Ends the connection with a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Ends the connection. */
  close(): void {
    this.socket.destroy();
  }

  /** Waits until this holds; rejects after `patienceMs`, naming `what` and saying what has come. */
  async until(holds: () => boolean, what: string, patienceMs = PATIENCE_MS): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (holds()) resolve();
    };
    const timer = setTimeout(() => reject(new Error(`no ${what} within ${patienceMs} ms; ${this}`)), patienceMs);
    const looking = setInterval(look, LOOK_MS);
    this.#waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      clearInterval(looking);
      this.#waiting.delete(look);
    }
  }

  /** Waits until so many answers are complete, interim ones included, and returns them. */
  async answers(count: number, reading: Reading = {}): Promise<HttpText[]> {
    const read = (): HttpText[] =>
      readMessages(this.text, { closed: this.ending !== undefined, ...reading }).messages.slice(0, count);
    await this.until(() => read().length === count || this.ending !== undefined, `${count} answers`);
    if (read().length < count) throw new Error(`the connection ended before ${count} answers; ${this}`);
    return read();
  }

  /** Waits for the next answer and takes it out of `text`. */
  async answer(reading: Reading = {}): Promise<HttpText> {
    const [answer] = await this.answers(1, reading);
    this.text = this.text.slice(answer!.length);
    return answer!;
  }

  /** Waits until the other side has ended the connection, and returns all that came. */
  async ended(patienceMs = PATIENCE_MS): Promise<Outcome> {
    await this.until(() => this.ending !== undefined, 'end of the connection', patienceMs);
    return { text: this.text, ending: this.ending! };
  }

  toString(): string {
    const text = this.text.length > 400 ? `${this.text.slice(0, 400)}…` : this.text;
    return `${this.ending ?? 'open'}, ${this.text.length} bytes came: ${JSON.stringify(text)}`;
  }
}

/** Connects to `host:port`, `[ipv6]:port` or `unix:/path`; rejects when nobody listens there. */
export async function connectTo(address: string): Promise<RawClient> {
  const to = parseAddress(address);
  if (typeof to === 'string') throw new Error(`${address}: ${to}`);
  const socket = net.connect({ ...(to.kind === 'unix' ? { path: to.path } : to), allowHalfOpen: true, noDelay: true });
  const client = remember(new RawClient(socket));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('connect', resolve).once('error', (error: NodeJS.ErrnoException) => {
    // Whoever accepted it may have reset it before this thread has seen that it was connected.
    if (error.code === 'ECONNRESET') resolve();
    else reject(error);
  });
  await promise;
  return client;
}

/** Sends these bytes on a connection of their own and collects what comes until the other side ends it. */
export async function sendAll(address: string, bytes: string | Uint8Array): Promise<Outcome> {
  const client = await connectTo(address);
  const outcome = await client.send(bytes).ended();
  client.close();
  return outcome;
}
