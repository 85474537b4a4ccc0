/** Types of frames (RFC 9113 §6); others are passed over. */
export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames (RFC 9113 §6); `ack` is that of SETTINGS and PING, `endStream` that of DATA and HEADERS. */
export const Flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Why a stream or a connection is ended (RFC 9113 §7). */
export const ErrorCode = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  enhanceYourCalm: 11,
} as const;

/** One of `ErrorCode`. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** Settings of a connection (RFC 9113 §6.5.2, RFC 8441 §3). */
export const Setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
} as const;

/** What a client sends before its first frame (RFC 9113 §3.4). */
export const PREFACE = Uint8Array.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', (c) => c.charCodeAt(0));

/** Bytes of the head of a frame. */
export const FRAME_HEAD_BYTES = 9;

/** Bytes that the payload of a frame may have, both ways: what every endpoint must take (RFC 9113 §4.2). */
export const MAX_PAYLOAD_BYTES = 16_384;

/** What a window may open to, and the highest number of a stream (RFC 9113 §6.9.1 and §5.1.1). */
export const MAX_31_BITS = 0x7fff_ffff;

/** The window of a connection, and of a stream before settings say otherwise, in bytes (RFC 9113 §6.9.2). */
export const DEFAULT_WINDOW_BYTES = 65_535;
