import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import type { Issued } from './certificates.ts';
import { remember } from './opened.ts';

/** A backend that speaks TLS and does what the test says with each connection. */
export interface TlsPeer {
  readonly address: string;
  /** Handshakes that were done, and how many of them went on with a session. */
  readonly handshakes: { readonly full: number; readonly resumed: number };
  /** Names that were asked for. */
  readonly names: readonly (string | false | null)[];
  close(): void;
}

/** Starts a backend with a certificate on a free port of 127.0.0.1; half-open, and it answers no end by itself. */
export async function startTlsPeer(
  files: Issued['files'],
  onConnection: (socket: tls.TLSSocket) => unknown,
  options: tls.TlsOptions = {},
): Promise<TlsPeer> {
  const sockets = new Set<tls.TLSSocket>();
  const handshakes = { full: 0, resumed: 0 };
  const names: (string | false | null)[] = [];
  const pair = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  const server = tls.createServer({ ...pair, allowHalfOpen: true, ...options } as tls.TlsOptions, (socket) => {
    sockets.add(socket);
    handshakes[socket.isSessionReused() ? 'resumed' : 'full']++;
    names.push((socket as unknown as { servername: string | false | null }).servername);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return remember({
    address: `127.0.0.1:${port}`,
    handshakes,
    names,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
}
