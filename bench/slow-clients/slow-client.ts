import { connect, type Socket } from 'node:net';

/** The ways to be slow: a head, a body, or the reading of an answer. */
export const SLOW_KINDS = ['head', 'body', 'reader'] as const;

/** One way to be slow. */
export type SlowKind = (typeof SLOW_KINDS)[number];

/** A number for each kind. */
export type PerKind = Readonly<Record<SlowKind, number>>;

/** How slow clients behave. */
export interface SlowSpec {
  readonly port: number;
  /** Milliseconds between two bytes. */
  readonly everyMs: number;
  /** How long a reader does not read before it looks whether it was cut, in ms. */
  readonly blindMs: number;
  /** The path of an answer that is larger than what sockets hold, and its size. */
  readonly path: string;
  readonly bytes: number;
}

const openings: Readonly<Record<SlowKind, (spec: SlowSpec) => string>> = {
  head: () => 'GET / HTTP/1.1\r\nHost: bench\r\nX-Slow: ',
  body: () => 'POST /deaf HTTP/1.1\r\nHost: bench\r\nContent-Length: 100000\r\n\r\n',
  reader: ({ path }) => `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`,
};

/**
 * Opens one slow client. `onOpen` is called once it is connected, `onEnd` once: with true when a timer of the other
 * side has cut it: it was told so, or as a reader did not get all that it asked for.
 */
export function openSlowClient(
  kind: SlowKind,
  spec: SlowSpec,
  on: { readonly open: () => void; readonly end: (cut: boolean) => void },
): Socket {
  let received = 0;
  let timedOut = false;
  let timer: NodeJS.Timeout | undefined;
  const socket = connect(spec.port, '127.0.0.1', () => {
    on.open();
    socket.write(openings[kind](spec));
    if (kind === 'reader') {
      // Nothing tells a client of a reset that does not read.
      socket.pause();
      timer = setTimeout(() => socket.resume(), spec.blindMs);
    } else timer = setInterval(() => socket.write('a'), spec.everyMs);
  });
  socket.on('data', (chunk) => {
    if (received === 0) timedOut = chunk.toString('latin1').startsWith('HTTP/1.1 408 ');
    received += chunk.length;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    clearTimeout(timer);
    on.end(kind === 'reader' ? received < spec.bytes : timedOut);
  });
  return socket;
}

/** What a crowd of slow clients has seen so far. */
export interface CrowdCount {
  /** Connections that are open. */
  readonly open: PerKind;
  /** Connections that were cut. */
  readonly cut: PerKind;
  /** Connections that ended in another way: readers that got all of their answer, senders that were not told 408. */
  readonly served: number;
}

/** Slow clients of all kinds, as many as at the start: one that is cut comes back, until they are told to end. */
export class SlowCrowd {
  readonly #spec: SlowSpec;
  readonly #open = { head: 0, body: 0, reader: 0 };
  readonly #cut = { head: 0, body: 0, reader: 0 };
  readonly #sockets = new Set<Socket>();
  #served = 0;
  #ending = false;

  constructor(spec: SlowSpec) {
    this.#spec = spec;
  }

  /** Opens so many of each kind, spread over `overMs`, so that their timers do not all end at once. */
  async gather(count: PerKind, overMs: number): Promise<void> {
    const kinds = SLOW_KINDS.flatMap((kind) => Array.from({ length: count[kind] }, () => kind));
    const opened = kinds.map(
      (kind, i) =>
        new Promise<void>((resolve) => {
          setTimeout(() => this.#join(kind, resolve), ((i * 7919) % kinds.length) * (overMs / kinds.length));
        }),
    );
    await Promise.all(opened);
  }

  #join(kind: SlowKind, onOpen: () => void = () => {}): void {
    if (this.#ending) return;
    const socket = openSlowClient(kind, this.#spec, {
      open: () => {
        this.#open[kind]++;
        onOpen();
      },
      end: (cut) => {
        this.#sockets.delete(socket);
        this.#open[kind]--;
        if (cut) this.#cut[kind]++;
        else this.#served++;
        this.#join(kind);
      },
    });
    this.#sockets.add(socket);
  }

  /** No client that is cut comes back any more. */
  end(): void {
    this.#ending = true;
  }

  count(): CrowdCount {
    return { open: { ...this.#open }, cut: { ...this.#cut }, served: this.#served };
  }

  /** Closes those that are left. */
  close(): void {
    this.#ending = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}
