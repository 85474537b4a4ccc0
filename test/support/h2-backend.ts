import { once } from 'node:events';
import http2, { type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { retire } from './kept-ports.ts';
import { remember } from './opened.ts';

/** What a backend does with a stream of a client's. */
export type OnStream = (stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

/** A backend that speaks HTTP/2 alone, with the streams and sessions it has seen. */
export async function startH2Backend(
  onStream: OnStream,
  settings: http2.Settings = {},
  tls?: { cert: string; key: string },
) {
  const server: Http2Server =
    tls === undefined
      ? http2.createServer({ settings, strictSingleValueFields: false } as object)
      : (http2.createSecureServer({ settings, ...tls }) as never);
  const sessions: http2.ServerHttp2Session[] = [];
  const paths: string[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    paths.push(String(headers[':path']));
    onStream(stream, headers);
  });
  server.on('sessionError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    for (const session of sessions) session.destroy();
    await retire(server);
  };
  return remember({ address, sessions, paths, close });
}
