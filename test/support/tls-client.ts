import { once } from 'node:events';
import tls from 'node:tls';
import { remember } from './opened.ts';
import { RawClient } from './raw-client.ts';

/** A socket that has connected to `host:port` over TLS, half-open; rejects when the handshake fails. */
export async function openTls(address: string, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const [host, port] = [address.slice(0, address.lastIndexOf(':')), Number(address.split(':').at(-1))];
  const socket = tls.connect({ host, port, allowHalfOpen: true, ...options } as tls.ConnectionOptions);
  remember({ close: () => socket.destroy() });
  await once(socket, 'secureConnect');
  return socket;
}

/** A client over TLS; rejects when the handshake fails. The certificate is checked unless told otherwise. */
export async function connectTls(
  address: string,
  options: tls.ConnectionOptions = {},
): Promise<RawClient & { socket: tls.TLSSocket }> {
  return remember(new RawClient(await openTls(address, options))) as RawClient & { socket: tls.TLSSocket };
}

/** Why a handshake fails: the code of the error, or `ended` when it succeeds and the connection ends before an answer. */
export async function refusalOf(address: string, options: tls.ConnectionOptions): Promise<string> {
  try {
    const client = await connectTls(address, { rejectUnauthorized: false, ...options });
    const why = once(client.socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code ?? 'error');
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const outcome = await client.ended();
    if (outcome.text !== '') return 'answered';
    return outcome.ending === 'fin' ? 'ended' : await why;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}
