import { latin1 } from '../../src/support/latin1.ts';
import { wires } from '../../src/support/open-wire.ts';
import type { Wire } from '../../src/support/wire.ts';

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
 * Opens one slow client. `open` is called once it is connected, `end` once: with true when a timer of the other side has
 * cut it: it was told so, or as a reader did not get all that it asked for. It is a wire and no `net.Socket`: what two
 * thousand of these take of the processor, those that are measured beside them have to wait for.
 */
export function openSlowClient(
  kind: SlowKind,
  spec: SlowSpec,
  on: { readonly open: () => void; readonly end: (cut: boolean) => void },
): Wire {
  let received = 0;
  let timedOut = false;
  let isBlind = kind === 'reader';
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    isBlind = false;
    wire.start();
  };
  const wire = wires.dial({ host: '127.0.0.1', port: spec.port }, '', {
    onConnect() {
      on.open();
      wire.writeText(openings[kind](spec));
      // Nothing tells a client of a reset that does not read.
      if (kind === 'reader') timer = setTimeout(look, spec.blindMs);
      else timer = setInterval(() => wire.writeText('a'), spec.everyMs);
    },
    onBytes(bytes, length) {
      if (received === 0) timedOut = latin1(bytes, 0, length).startsWith('HTTP/1.1 408 ');
      received += length;
      return !isBlind;
    },
    onDrain() {},
    onEnd: () => wire.destroy(),
    onClose() {
      clearTimeout(timer);
      on.end(kind === 'reader' ? received < spec.bytes : timedOut);
    },
  });
  return wire;
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
  readonly #wires = new Set<Wire>();
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
    const wire = openSlowClient(kind, this.#spec, {
      open: () => {
        this.#open[kind]++;
        onOpen();
      },
      end: (cut) => {
        this.#wires.delete(wire);
        this.#open[kind]--;
        if (cut) this.#cut[kind]++;
        else this.#served++;
        this.#join(kind);
      },
    });
    this.#wires.add(wire);
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
    for (const wire of this.#wires) wire.destroy();
  }
}
