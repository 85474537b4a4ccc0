import type { Buffer } from 'node:buffer';
import type { DialTarget, Wire, WireSink } from '../support/wire.ts';
import { dial } from './dial.ts';

/** Where a connection is to go. */
export interface Destination {
  readonly to: DialTarget;
  /** The address to connect from, '' for any. */
  readonly local: string;
  /** The host of the backend as the config has it; undefined for a Unix socket. */
  readonly host: string | undefined;
  /** Sent before anything else, TLS included: a PROXY header. */
  readonly opening?: Buffer | undefined;
}

/** How connections to the backends of a pool are made. */
export interface Dialler {
  /** Starts a connection; `sink.onConnect` or `sink.onClose` follows. The deadline is the caller's. */
  dial(destination: Destination, sink: WireSink): Wire;
}

/** Connections in the clear. */
export const plainDialler: Dialler = {
  dial({ to, local, opening }, sink) {
    if (opening === undefined) return dial(to, local, sink);
    const stand = new OpeningSink(sink, opening);
    stand.wire = dial(to, local, stand);
    return stand.wire;
  },
};

/** Stands in for a sink until the wire is connected and its opening sent. */
class OpeningSink implements WireSink {
  wire!: Wire;
  readonly #sink: WireSink;
  readonly #opening: Buffer;

  constructor(sink: WireSink, opening: Buffer) {
    this.#sink = sink;
    this.#opening = opening;
  }

  onConnect(): void {
    this.wire.sink = this.#sink;
    this.wire.send(this.#opening, 0, this.#opening.length);
    this.#sink.onConnect();
  }

  onClose(error: NodeJS.ErrnoException | undefined): void {
    this.#sink.onClose(error);
  }

  onBytes(): boolean {
    return false;
  }
  onEnd(): void {}
  onDrain(): void {}
}
