import type { Buffer } from 'node:buffer';
import type { ClientHttp2Stream } from 'node:http2';
import type { WireSink } from '../support/wire.ts';

/** A wire around a stream of HTTP/2, as far as the stream's events go to it. */
export interface StreamWire {
  readonly sink: WireSink;
  onData(data: Buffer): void;
  onEnd(): void;
  onTrailers(raw: string[]): void;
  onWantTrailers(): void;
  onClose(): void;
}

interface Wired {
  readonly wire: StreamWire;
}

/** Listeners that bring a stream's events to the wire it carries: the same for all streams, so that none is made for each. */
export const hooks = {
  data(this: Wired, data: Buffer): void {
    this.wire.onData(data);
  },
  end(this: Wired): void {
    this.wire.onEnd();
  },
  trailers(this: Wired, _: unknown, __: number, raw: string[]): void {
    this.wire.onTrailers(raw);
  },
  drain(this: Wired): void {
    this.wire.sink.onDrain();
  },
  wantTrailers(this: Wired): void {
    this.wire.onWantTrailers();
  },
  close(this: Wired): void {
    this.wire.onClose();
  },
  /** What a stream dies of is in its reset code, which `close` looks at. */
  error(): void {},
};

/** How a wire ends whose stream was reset, or whose session has gone. */
export function brokenOff(): NodeJS.ErrnoException {
  return Object.assign(new Error('the stream was reset'), { code: 'ECONNRESET' });
}

/**
 * Resets a stream when the events under way are over. The process would die of an assertion of Node if one whose trailers
 * are awaited were closed while its session reads, and a tick is still a part of that.
 */
export function closeSoon(stream: ClientHttp2Stream, code: number): void {
  setImmediate(() => {
    if (!stream.destroyed) stream.close(code);
  });
}
