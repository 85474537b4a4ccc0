import type { Buffer } from 'node:buffer';

/** What every Buffer has beneath `toString` and `write` with 'latin1', without their look at the name of the encoding. */
interface Latin1Bytes {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number, length: number): number;
}

/** `bytes[start..end)` as text, a character for each byte. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Latin1Bytes).latin1Slice(start, end);
}

/** Puts `text` there, a byte for each character; there must be room. */
export function putLatin1(text: string, bytes: Buffer, at: number): void {
  (bytes as unknown as Latin1Bytes).latin1Write(text, at, text.length);
}
