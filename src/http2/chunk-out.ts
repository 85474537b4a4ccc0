import { Buffer } from 'node:buffer';
import { READ_BUFFER_BYTES, type WireSink } from '../support/wire.ts';

/** What the size line and the line end of a chunk take at most. */
const FRAME_BYTES = 16;

/** Used up before the call returns, so one serves all streams of the thread. */
const scratch = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

/** Gives a sink latin1 text as bytes. Returns what the sink does. */
export function giveText(sink: WireSink, text: string): boolean {
  const bytes = text.length <= scratch.length ? scratch : Buffer.allocUnsafeSlow(text.length);
  return sink.onBytes(bytes, bytes.write(text, 0, 'latin1'));
}

/** Gives the sink of a wire data as it is, in pieces as long as a sink takes at most, until the wire is gone. False when it wants no more. */
export function giveBytes(wire: { readonly sink: WireSink; readonly destroyed: boolean }, data: Buffer): boolean {
  let more = true;
  for (let pos = 0; pos < data.length && !wire.destroyed; pos += READ_BUFFER_BYTES) {
    const part = data.subarray(pos, pos + READ_BUFFER_BYTES);
    more = wire.sink.onBytes(part, part.length);
  }
  return more;
}

/** Gives a sink data as chunks, each as one piece, so that whoever passes it on writes once. False when it wants no more. */
export function giveChunk(sink: WireSink, data: Buffer): boolean {
  let more = true;
  for (let pos = 0; pos < data.length; ) {
    const length = Math.min(data.length - pos, scratch.length - FRAME_BYTES);
    let at = scratch.write(`${length.toString(16)}\r\n`, 0, 'latin1');
    at += data.copy(scratch, at, pos, pos + length);
    at += scratch.write('\r\n', at, 'latin1');
    more = sink.onBytes(scratch, at);
    pos += length;
  }
  return more;
}
