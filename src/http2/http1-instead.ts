import { Buffer } from 'node:buffer';
import { TLS_FAILED } from '../support/tls-failure.ts';
import type { Wire, WireSink } from '../support/wire.ts';

/** What stands before an HTTP/1.1 connection, and passes on what is heard of it. */
export interface Fronting {
  readonly sink: WireSink;
  readableEnded: boolean;
  /** The connection is gone. */
  onInsteadClose(error: NodeJS.ErrnoException | undefined): void;
  /** The backend could be reached, but speaks no HTTP/1.1. */
  onInsteadRefused(): void;
}

/** An HTTP/1.1 connection to a backend that is spoken to over HTTP/2, for a request that only HTTP/1.1 can carry there. */
export class Http1Instead implements WireSink {
  wire!: Wire;
  readonly #front: Fronting;
  /** What is to be sent once there is a connection; undefined from then on. */
  #early: Buffer[] | undefined = [];

  constructor(front: Fronting) {
    this.#front = front;
  }

  get unsent(): boolean {
    return this.#early !== undefined || this.wire.unsent;
  }
  get queued(): number {
    return this.#early === undefined ? this.wire.queued : 0;
  }
  get backedUp(): boolean {
    return this.#early !== undefined || this.wire.backedUp;
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    if (this.#early === undefined) return this.wire.send(bytes, start, end);
    this.#early.push(Buffer.from(bytes.subarray(start, end)));
    return false;
  }

  onConnect(): void {
    const early = Buffer.concat(this.#early!);
    this.#early = undefined;
    if (this.wire.send(early, 0, early.length)) this.#front.sink.onDrain();
  }

  onBytes(bytes: Buffer, length: number): boolean {
    return this.#front.sink.onBytes(bytes, length);
  }

  onEnd(): void {
    this.#front.readableEnded = true;
    this.#front.sink.onEnd();
  }

  onDrain(): void {
    this.#front.sink.onDrain();
  }

  onClose(error: NodeJS.ErrnoException | undefined): void {
    if (this.#early !== undefined && error?.code === TLS_FAILED) this.#front.onInsteadRefused();
    else this.#front.onInsteadClose(error);
  }
}
