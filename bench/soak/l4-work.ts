import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import net from 'node:net';
import { type Found, resolveAtClose } from './http-work.ts';

const PATIENCE_MS = 20_000;
const UDP_PATIENCE_MS = 2000;
/** A datagram is sent again so often before the flow counts as failed: UDP promises nothing. */
const UDP_TRIES = 3;

/** Sends, ends its side, and reads until the other side has ended: every byte has to come back in order. */
function halfClose(port: number, bytes: Buffer): Promise<Found> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const chunks: Buffer[] = [];
    let ended = false;
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => (ended = true));
    socket.on('error', () => {});
    socket.on('close', () => {
      const back = Buffer.concat(chunks);
      if (!bytes.subarray(0, back.length).equals(back)) return resolve(['wrong', 'other bytes than were sent']);
      if (back.length < bytes.length) return resolve(['failed', ended ? 'ended early' : 'reset']);
      return resolve(ended ? ['good'] : ['failed', 'reset at the end']);
    });
    socket.end(bytes);
  });
}

/** Talks a few rounds on one connection and then resets or ends it. */
function talk(port: number, rounds: number): Promise<Found> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    let sent = randomBytes(1 + Math.floor(Math.random() * 2000));
    let back = 0;
    let left = rounds;
    let found: Found = ['failed', 'cut off'];
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on('connect', () => socket.write(sent));
    socket.on('data', (chunk: Buffer) => {
      if (!sent.subarray(back, back + chunk.length).equals(chunk)) {
        found = ['wrong', 'other bytes than were sent'];
        return socket.destroy();
      }
      back += chunk.length;
      if (back < sent.length) return;
      if (--left > 0) {
        sent = randomBytes(1 + Math.floor(Math.random() * 2000));
        back = 0;
        return socket.write(sent);
      }
      found = ['good'];
      return Math.random() < 0.5 ? socket.resetAndDestroy() : socket.end();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(found));
  });
}

/** Sends much and reads nothing for a while, then goes: what is on the way has to be dropped on both sides. */
function stall(port: number): Promise<Found> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.pause();
      socket.write(Buffer.alloc(2_000_000));
      setTimeout(() => socket.resetAndDestroy(), 100 + Math.random() * 200);
    });
    resolveAtClose(socket, resolve);
  });
}

/** A new flow that asks a few times. */
function datagrams(port: number, rounds: number): Promise<Found> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    let left = rounds;
    let tries = 0;
    let sent = Buffer.alloc(0);
    let timer: NodeJS.Timeout;
    const done = (...found: Found) => {
      clearTimeout(timer);
      socket.close();
      resolve(found);
    };
    const send = () => {
      if (tries++ === UDP_TRIES) return done('failed', 'no answer');
      timer = setTimeout(send, UDP_PATIENCE_MS);
      socket.send(sent, port, '127.0.0.1');
    };
    const next = () => {
      clearTimeout(timer);
      tries = 0;
      sent = randomBytes(1 + Math.floor(Math.random() * 1200));
      send();
    };
    const seen = new Set<string>();
    socket.on('message', (back) => {
      // An answer to a datagram that was sent twice may come twice.
      if (!back.equals(sent))
        return seen.has(back.toString('latin1')) ? undefined : done('wrong', 'another datagram than was sent');
      seen.add(sent.toString('latin1'));
      if (--left === 0) return done('good');
      return next();
    });
    socket.on('error', () => done('failed', 'no listener'));
    next();
  });
}

/** The work of L4 clients, each piece by itself; the ports are those of the listeners. */
export function l4Work(tcpPort: number, udpPort: number): Record<string, () => Promise<Found>> {
  return {
    'tcp, talks': () => talk(tcpPort, 1 + Math.floor(Math.random() * 5)),
    'tcp, long talks': () => talk(tcpPort, 20 + Math.floor(Math.random() * 80)),
    'tcp, half-closes': () => halfClose(tcpPort, randomBytes(1 + Math.floor(Math.random() * 300_000))),
    'tcp, clients that stall and reset': () => stall(tcpPort),
    'udp, flows': () => datagrams(udpPort, 3),
  };
}
