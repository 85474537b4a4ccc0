import type { Buffer } from 'node:buffer';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { remember } from './opened.ts';
import { eventually } from './patience.ts';

/** A UDP socket of a test, with what has come to it. */
export interface UdpEnd {
  /** `host:port`. */
  readonly address: string;
  /** Datagrams as latin1 text, in the order they came. */
  readonly got: string[];
  /** Addresses they came from. */
  readonly from: string[];
  send(to: string, ...datagrams: readonly (string | Uint8Array)[]): void;
  /** Waits for so many datagrams in all, and returns them. */
  until(count: number): Promise<string[]>;
  close(): Promise<void>;
}

/** What a backend answers to a datagram; nothing for none. */
export type UdpAnswer = (datagram: Buffer) => readonly (string | Uint8Array)[];

/** Opens a socket on a free port; with `answer` it is a backend. */
export async function openUdp(
  answer?: UdpAnswer,
  { host = '127.0.0.1', port = 0, reusePort = false } = {},
): Promise<UdpEnd> {
  const socket = dgram.createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', reusePort });
  socket.setMaxListeners(0);
  const got: string[] = [];
  const from: string[] = [];
  socket.on('message', (datagram, peer) => {
    got.push(datagram.toString('latin1'));
    from.push(`${peer.address}:${peer.port}`);
    for (const each of answer?.(datagram) ?? []) socket.send(each, peer.port, peer.address);
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  const shown = host.includes(':') ? `[${host}]` : host;
  let closed = false;
  return remember({
    address: `${shown}:${socket.address().port}`,
    got,
    from,
    send(to, ...datagrams) {
      const colon = to.lastIndexOf(':');
      const name = to.slice(0, colon).replace(/^\[|\]$/g, '');
      for (const each of datagrams) socket.send(each, Number(to.slice(colon + 1)), name);
    },
    async until(count: number) {
      await eventually(
        () => got.length >= count,
        () => `the coming of ${count} datagrams (${got.length} came)`,
        5,
      );
      return got;
    },
    async close() {
      if (closed) return;
      closed = true;
      const over = once(socket, 'close');
      socket.close();
      await over;
    },
  });
}
