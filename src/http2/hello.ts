import { STREAM_WINDOW_BYTES } from './client-stream.ts';
import { DEFAULT_WINDOW_BYTES, FrameType, Setting } from './protocol.ts';
import type { SessionOut } from './session-out.ts';

/** Streams that a client may have open at a time. */
export const MAX_STREAMS = 128;

/** Bytes of fields that a request may have at all; what a listener allows of them, it answers with 431. */
export const MAX_HEADER_LIST_BYTES = 64 * 1024;

/**
 * Body bytes that a client may have on the way on all streams before they are asked for. They are asked for when they
 * have come, not when they are used up: a stream that nobody reads must not hold up the others.
 */
export const WINDOW_BYTES = 1024 * 1024;

const SETTINGS: readonly (readonly [id: number, value: number])[] = [
  [Setting.maxConcurrentStreams, MAX_STREAMS],
  [Setting.initialWindowSize, STREAM_WINDOW_BYTES],
  [Setting.maxHeaderListSize, MAX_HEADER_LIST_BYTES],
  [Setting.enableConnectProtocol, 1],
];

/** Says what a client may do on its connection: settings, and a larger window than there is without a word. */
export function sayHello(out: SessionOut): void {
  let at = out.frame(FrameType.settings, 0, 0, SETTINGS.length * 6);
  for (const [id, value] of SETTINGS) {
    at = out.buffer.writeUInt16BE(id, at);
    at = out.buffer.writeUInt32BE(value, at);
  }
  out.number(FrameType.windowUpdate, 0, WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
}
