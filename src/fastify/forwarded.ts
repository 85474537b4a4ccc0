import type { FastifyRequest } from 'fastify';

/** Fields that concern one connection (RFC 9110 §7.6.1), or that the proxy writes itself. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Fields that tell of the client; what backends may take for them, which read `_` as `-`, goes no further either. */
const telling: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-request-id',
]);

type Fields = Record<string, string | string[] | undefined>;

/**
 * The fields a backend is sent: the client's without those of its connection, with its Host, and with those that tell
 * of it. What came as X-Forwarded-For is believed only where the app has `trustProxy`.
 */
export function forwardedFields(request: FastifyRequest, fields: Fields): Fields {
  const listed = String(request.headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const kept = Object.entries(fields).filter(
    ([name]) => !hopByHop.has(name) && !listed.includes(name) && !telling.has(name.replaceAll('_', '-')),
  );
  const peer = request.socket.remoteAddress ?? '';
  const chain = request.ips === undefined ? undefined : request.headers['x-forwarded-for'];
  return {
    ...Object.fromEntries(kept),
    ...(request.headers.host === undefined ? {} : { host: request.headers.host }),
    'x-forwarded-for': chain === undefined ? peer : `${chain}, ${peer}`,
    'x-forwarded-proto': request.protocol,
    'x-forwarded-host': request.host,
    'x-request-id': request.id,
  };
}

/** The same for the handshake of a WebSocket, whose own fields the connection to the backend makes anew. */
export function handshakeFields(request: FastifyRequest): Fields {
  const fields = forwardedFields(request, request.headers);
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !name.startsWith('sec-websocket-')));
}
