import { Buffer } from 'node:buffer';
import { parseRequestHead, RequestHead } from '../../src/http1/request-head.ts';

/** A head parsed from this text, which must be a good one. */
export function parsed(text: string, head = new RequestHead()): RequestHead {
  const bytes = Buffer.from(text, 'latin1');
  const next = parseRequestHead(head, bytes, { start: 0, end: bytes.length }, 65_536);
  if (next < 0) throw new Error(`refused: ${head.problem}`);
  return head;
}
