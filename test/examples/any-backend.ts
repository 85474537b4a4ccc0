import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2, { type ServerHttp2Stream } from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import type { Issued } from '../support/certificates.ts';
import { remember } from '../support/opened.ts';
import { openUdp } from '../support/udp-peer.ts';

/** The first 12 bytes of a PROXY header of version 2 (haproxy.org, proxy-protocol.txt, section 2.2). */
const PROXY_SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

/**
 * A backend that speaks whatever it is spoken to, HTTP/1.1, HTTP/2, either of them over TLS, a PROXY header in front,
 * and UDP on the same port, and that answers with its name and what it was asked for.
 */
export async function startAnyBackend(name: string, files: Issued['files']): Promise<string> {
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    response.end(`${name} got ${request.url}`);
  };
  const plain = http.createServer(answer);
  const secure = https.createServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) }, answer);
  const multiplexed = http2.createServer().on('stream', (stream: ServerHttp2Stream, headers) => {
    const path = String(headers[':path']);
    const isProbe = path === '/grpc.health.v1.Health/Check';
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.end(isProbe ? SERVING : `${name} got ${path}`);
  });
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.once('data', (first: Buffer) => {
      socket.pause();
      const text = first.toString('latin1');
      const rest = text.startsWith(PROXY_SIGNATURE) ? first.subarray(16 + first.readUInt16BE(14)) : first;
      const server = rest[0] === 0x16 ? secure : text.startsWith('PRI * HTTP/2') ? multiplexed : plain;
      if (rest.length > 0) socket.unshift(rest);
      server.emit('connection', socket);
      if (server === plain) socket.resume();
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as net.AddressInfo;
  remember({
    close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  });
  await openUdp((datagram) => [`${name} got ${datagram}`], { port });
  return `127.0.0.1:${port}`;
}
