import dgram from 'node:dgram';
import { createServer } from 'node:http';
import net from 'node:net';

/** The big answer, in bytes: more than socket buffers hold, so that back-pressure is felt. */
export const BIG_BYTES = 4 * 1024 * 1024;

const SLOW_MS = 200;

/** One backend of the soak: HTTP on the first port, an echo over TCP and one over UDP on the second. */
function serve(httpPort: number, echoPort: number): void {
  const big = Buffer.alloc(BIG_BYTES, 'x');
  const http = createServer({ keepAliveTimeout: 3000 }, (request, response) => {
    if (request.url === '/big') return response.end(big);
    if (request.url === '/slow') return setTimeout(() => response.end('slow'), SLOW_MS);
    if (request.method === 'POST') return request.pipe(response);
    return response.end('small');
  });
  http.listen(httpPort, '127.0.0.1');

  // What comes in goes out, and so do ends: a client that has sent its FIN gets the rest of its bytes and then the other FIN.
  net
    .createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket))
    .listen(echoPort, '127.0.0.1');

  const udp = dgram.createSocket('udp4');
  udp.on('message', (datagram, { port, address }) => udp.send(datagram, port, address));
  udp.bind(echoPort, '127.0.0.1', () => process.send?.('ready'));
}

if (import.meta.main) serve(Number(process.argv[2]), Number(process.argv[3]));
