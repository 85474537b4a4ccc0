import { once } from 'node:events';
import net from 'node:net';
import type { BareSockets } from '../../src/support/bare-sockets.ts';
import { listeningHandle } from './wire-stage.ts';

const fdOf = (socket: net.Socket): number => (socket as unknown as { _handle: { fd: number } })._handle.fd;

async function listen(options: net.ServerOpts = {}): Promise<{ server: net.Server; port: number }> {
  const server = net.createServer(options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as net.AddressInfo).port };
}

/**
 * Both ends of a connection with their descriptors. Node does not read `socket`, nor `peer` unless `peerReads`. `close` is
 * for the end of the test.
 */
export async function connectedPair({ peerReads = false } = {}) {
  const { server, port } = await listen({ allowHalfOpen: true, pauseOnConnect: true });
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const peer = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  if (!peerReads) peer.pause();
  await once(peer, 'connect');
  const [socket] = await accepted;
  server.close();
  for (const each of [socket, peer]) each.on('error', () => {});
  const close = (): void => {
    for (const each of [socket, peer]) each.destroy();
  };
  return { socket, fd: fdOf(socket), peer, peerFd: fdOf(peer), close };
}

/** A descriptor that listens and that no handle has, and its port. */
export async function listeningDescriptor(bare: BareSockets): Promise<{ fd: number; port: number }> {
  const { server, port } = await listen();
  const fd = bare.duplicate(listeningHandle(server).fd);
  server.close();
  return { fd, port };
}
