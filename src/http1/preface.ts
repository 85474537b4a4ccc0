import type { Buffer } from 'node:buffer';

/** What a client of HTTP/2 sends first (RFC 9113 §3.4); in HTTP/1.1 it is no request. */
const PREFACE = Uint8Array.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', (c) => c.charCodeAt(0));

/** Whether `bytes[pos..end)` begins with the preface of HTTP/2, or is the beginning of one. */
export function prefaceIn(bytes: Buffer, pos: number, end: number): 'whole' | 'part' | 'none' {
  const length = Math.min(end - pos, PREFACE.length);
  for (let i = 0; i < length; i++) if (bytes[pos + i] !== PREFACE[i]) return 'none';
  return length === PREFACE.length ? 'whole' : 'part';
}
