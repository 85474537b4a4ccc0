import { Buffer } from 'node:buffer';
import { READ_BUFFER_BYTES } from './wire.ts';

/** Bytes of a spare buffer: what one read can bring, and room for the heads of the frames that it may be sent in. */
export const SPARE_BYTES = READ_BUFFER_BYTES + 1024;

/**
 * Buffers of large chunks that have been written, to be written from again: as garbage they would pile up to some 60 MiB
 * in a stream that passes at full speed, because the collector sees only the small objects that hold them.
 */
const spares: Buffer[] = [];

/** At most so many are kept. */
const MOST_SPARES = 32;

/** A buffer of `SPARE_BYTES` with anything in it; it is the caller's until `putSpare`. */
export function takeSpare(): Buffer {
  return spares.pop() ?? Buffer.allocUnsafeSlow(SPARE_BYTES);
}

/** Gives a buffer back that is written; one of another size is left to the collector. */
export function putSpare(buffer: Buffer): void {
  if (buffer.length === SPARE_BYTES && spares.length < MOST_SPARES) spares.push(buffer);
}
