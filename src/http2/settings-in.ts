import type { Buffer } from 'node:buffer';
import { ErrorCode, MAX_31_BITS, MAX_PAYLOAD_BYTES, Setting } from './protocol.ts';

/** Bytes of one setting in a frame. */
const SETTING_BYTES = 6;
const MOST_FRAME_BYTES = 0xff_ffff;

/** What of a client's settings matters here; undefined for what it did not say. */
export interface ClientSettings {
  headerTableSize: number | undefined;
  initialWindowSize: number | undefined;
}

/** Reads the payload of a SETTINGS frame (RFC 9113 §6.5). Returns what the connection must end with when it is not one. */
export function readSettings(bytes: Buffer, at: number, length: number): ClientSettings | ErrorCode {
  if (length % SETTING_BYTES !== 0) return ErrorCode.frameSize;
  const settings: ClientSettings = { headerTableSize: undefined, initialWindowSize: undefined };
  for (let pos = at; pos < at + length; pos += SETTING_BYTES) {
    const id = bytes.readUInt16BE(pos);
    const value = bytes.readUInt32BE(pos + 2);
    const wrong = problemOf(id, value);
    if (wrong !== undefined) return wrong;
    if (id === Setting.headerTableSize) settings.headerTableSize = value;
    else if (id === Setting.initialWindowSize) settings.initialWindowSize = value;
  }
  return settings;
}

function problemOf(id: number, value: number): ErrorCode | undefined {
  switch (id) {
    case Setting.enablePush:
    case Setting.enableConnectProtocol:
      return value > 1 ? ErrorCode.protocol : undefined;
    case Setting.initialWindowSize:
      return value > MAX_31_BITS ? ErrorCode.flowControl : undefined;
    case Setting.maxFrameSize:
      return value < MAX_PAYLOAD_BYTES || value > MOST_FRAME_BYTES ? ErrorCode.protocol : undefined;
    default:
      return undefined;
  }
}
