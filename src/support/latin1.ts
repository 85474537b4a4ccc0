import type { Buffer } from 'node:buffer';

/** What every Buffer has beneath `toString('latin1')`, without its look at the name of the encoding. */
interface Latin1Bytes {
  latin1Slice(start: number, end: number): string;
}

/** `bytes[start..end)` as text, a character for each byte. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Latin1Bytes).latin1Slice(start, end);
}
