import type { HeadEdit } from './head-edit.ts';
import { Field } from './known-fields.ts';
import type { ResponseHead } from './response-head.ts';

/** How the answer goes to the client. */
export interface ResponseShape {
  /** The connection to the client ends after this answer. */
  readonly close: boolean;
  /** The client speaks HTTP/1.0 and asked to keep the connection. */
  readonly sayKeepAlive: boolean;
  /** The client speaks HTTP/1.0: it cannot read chunks, and may not be told of any (RFC 9112 §6.1), nor of their trailers. */
  readonly unchunk: boolean;
  /** What the route and the listener change. */
  readonly edit: HeadEdit | undefined;
  /** Field lines of this one answer, each with its CRLF. */
  readonly lines: string;
}

/**
 * Writes the head of the final answer for the client: the backend's own, case and order kept, without the fields that end
 * at this hop (RFC 9110 §7.6.1). The version becomes HTTP/1.1, which is this hop's. `Upgrade` stays with a 426, which
 * must name what it asks for. A 204 loses what it says of a body, which it cannot have (RFC 9110 §8.6, RFC 9112 §6.1): a
 * client that believes it would wait for one, or take the next answer for it.
 */
export function responseOut(head: ResponseHead, shape: ResponseShape): string {
  const upgradeRequired = head.status === 426;
  let text = '';
  let kept = 0;
  if (head.minor === 0) {
    text = 'HTTP/1.1';
    kept = 'HTTP/1.0'.length;
  }
  for (let i = 0; i < head.fieldCount; i++) {
    if (!isDropped(head, i, shape, upgradeRequired)) continue;
    text += head.text.slice(kept, head.lineStart(i));
    kept = head.lineStart(i + 1);
  }
  text += head.text.slice(kept, head.lineStart(head.fieldCount));
  const added = shape.edit === undefined ? shape.lines : shape.edit.lines + shape.lines;
  return `${text}${connectionField(shape, upgradeRequired)}${added}\r\n`;
}

function isDropped(head: ResponseHead, index: number, shape: ResponseShape, upgradeRequired: boolean): boolean {
  const { unchunk, edit } = shape;
  switch (head.id(index)) {
    case Field.transferEncoding:
      return unchunk || head.status === 204;
    case Field.contentLength:
      return head.status === 204;
    case Field.trailer:
      if (unchunk) return true;
      break;
    case Field.upgrade:
      return !upgradeRequired;
  }
  return head.isHopByHop(index) || edit?.drops(head, index) === true;
}

/**
 * Writes the head of an interim answer (RFC 9110 §15.2) as it came, without the fields that end at this hop and without a
 * length: what it says of the connection would be taken for what the final answer says.
 */
export function interimOut(head: ResponseHead): string {
  let text = 'HTTP/1.1';
  let kept = 'HTTP/1.1'.length;
  for (let i = 0; i < head.fieldCount; i++) {
    if (!head.isHopByHop(i) && head.id(i) !== Field.contentLength) continue;
    text += head.text.slice(kept, head.lineStart(i));
    kept = head.lineStart(i + 1);
  }
  return text + head.text.slice(kept);
}

/** Writes the head of a 101, with which HTTP ends: as it came, but for what is to be changed. */
export function switchOut(head: ResponseHead, { edit, lines }: Pick<ResponseShape, 'edit' | 'lines'>): string {
  if (edit === undefined && lines === '') return head.text;
  let text = head.text.slice(0, head.fieldsStart);
  for (let i = 0; i < head.fieldCount; i++) {
    const id = head.id(i);
    const hop = id === Field.connection || id === Field.upgrade;
    if (hop || edit?.drops(head, i) !== true) text += head.text.slice(head.lineStart(i), head.lineStart(i + 1));
  }
  return `${text}${edit?.lines ?? ''}${lines}\r\n`;
}

function connectionField(shape: ResponseShape, upgradeRequired: boolean): string {
  if (upgradeRequired) return shape.close ? 'Connection: Upgrade, close\r\n' : 'Connection: Upgrade\r\n';
  if (shape.close) return 'Connection: close\r\n';
  return shape.sayKeepAlive ? 'Connection: keep-alive\r\n' : '';
}
