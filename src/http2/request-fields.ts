import type { RequestHead } from '../http1/request-head.ts';
import { isConnectionField } from './field.ts';

/** What of an HTTP/1.1 head HTTP/2 says in another way; `te` is put back where it means something. */
const SAID_OTHERWISE: ReadonlySet<string> = new Set(['host', 'te']);
/** What belongs to the handshake of a WebSocket over HTTP/1.1 alone (RFC 8441 §5). */
const HANDSHAKE: ReadonlySet<string> = new Set([...SAID_OTHERWISE, 'sec-websocket-key', 'content-length']);

/** True for a request that opens a WebSocket. */
export function opensWebSocket(head: RequestHead): boolean {
  return head.upgradeProtocol?.toLowerCase() === 'websocket' && head.method === 'GET';
}

/** The fields of a request of HTTP/1.1, checked before, as HTTP/2 has them: names and values in turn, pseudo-header fields first. */
export function requestFields(head: RequestHead, scheme: 'http' | 'https'): string[] {
  const webSocket = opensWebSocket(head);
  const fields = [':method', webSocket ? 'CONNECT' : head.method, ':scheme', scheme];
  const authority = head.get('host');
  if (authority !== undefined) fields.push(':authority', authority);
  fields.push(':path', head.originTarget);
  if (webSocket) fields.push(':protocol', 'websocket');
  const left = webSocket ? HANDSHAKE : SAID_OTHERWISE;
  for (let i = 0; i < head.fieldCount; i++) {
    const name = head.name(i).toLowerCase();
    if (!isConnectionField(name) && !left.has(name)) fields.push(name, head.value(i));
  }
  if (head.get('te') !== undefined) fields.push('te', 'trailers');
  return fields;
}
