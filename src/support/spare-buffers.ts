import { Buffer } from 'node:buffer';
import { READ_BUFFER_BYTES } from './wire.ts';

/**
 * Buffers of large chunks that have been written, to be written from again: as garbage they would pile up to some 60 MiB
 * in a stream that passes at full speed, because the collector sees only the small objects that hold them.
 */
const spares: Buffer[] = [];

/** At most so many are kept. */
const MOST_SPARES = 32;

/** A buffer of `READ_BUFFER_BYTES` with anything in it; it is the caller's until `putSpare`. */
export function takeSpare(): Buffer {
  return spares.pop() ?? Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
}

/** Gives a buffer back that is written; one of another size is left to the collector. */
export function putSpare(buffer: Buffer): void {
  if (buffer.length === READ_BUFFER_BYTES && spares.length < MOST_SPARES) spares.push(buffer);
}
