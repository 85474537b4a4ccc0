import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { TlsDialler } from '../../src/connect/tls-dialler.ts';
import type { WireMaker } from '../../src/support/open-wire.ts';
import { TLS_FAILED } from '../../src/support/tls-failure.ts';
import { TlsWire } from '../../src/support/tls-wire.ts';
import type { DialTarget } from '../../src/support/wire.ts';
import { wireContract } from '../contracts/wire.ts';
import { TestAuthority } from './certificates.ts';
import { closeOpened } from './opened.ts';
import { Recorder, until, type WireEnds, WireStage } from './wire-stage.ts';

afterAll(closeOpened);

const authority = new TestAuthority();
const { certPem: cert, keyPem: key } = authority.issue('a', { subject: { CN: 'a.test' }, names: ['a.test'] });
const ca = authority.root.certPem;
const server = tls.createSecureContext({ cert, key });

const plan = { id: '', ca, cert: '', key: '', serverName: 'a.test', verify: true };
const dialler = new TlsDialler(plan, () => {});

/** Wires over TLS, as listeners accept and pools dial them. */
const tlsWires: WireMaker = {
  accepted: (accepted) => new TlsWire({ isServer: true, secureContext: server, accepted }),
  dial: (to, local, sink) => dialler.dial({ to, local, host: undefined }, sink),
};

/** The sockets that carry the other ends of dialled wires. */
const beneath = new Map<net.Socket, net.Socket>();

const ends: WireEnds = {
  server: (onPeer) =>
    net.createServer({ allowHalfOpen: true }, (raw) => {
      const peer = new tls.TLSSocket(raw, { isServer: true, secureContext: server });
      beneath.set(peer, raw);
      peer.on('error', () => {}).once('secure', () => onPeer(peer));
    }),
  connect: (port) =>
    tls.connect({ port, host: '127.0.0.1', allowHalfOpen: true, ca, servername: 'a.test' } as tls.ConnectionOptions),
  reset: (peer) => void beneath.get(peer)!.resetAndDestroy(),
  handshake: true,
};

wireContract('TLS', new WireStage(tlsWires, ends));

describe('a wire of TLS, beyond that,', () => {
  const stage = new WireStage(tlsWires, ends);
  afterEach(() => stage.clear());

  /** Where a plain socket does what it is told with what connects. */
  async function plainEnd(onSocket: (socket: net.Socket) => void): Promise<DialTarget> {
    const listener = net.createServer(onSocket).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    stage.cleanups.push(() => listener.close());
    return { host: '127.0.0.1', port: (listener.address() as net.AddressInfo).port };
  }

  it('does not take a FIN without close_notify for an end', async () => {
    const { sink, peer } = await stage.dialled();
    peer.write('half a sen');
    await sink.has('bytes');
    beneath.get(peer)!.end();
    await sink.has('close');
    expect(sink.log).toEqual(['connect', 'bytes', 'close']);
    expect(sink.error?.message).toBe('the connection ended without close_notify');
  });

  it('sends behind the handshake what was written before it', async () => {
    const { target, peers } = await stage.listener();
    const sink = new Recorder();
    const wire = tlsWires.dial(target, '', sink);
    stage.cleanups.push(() => wire.destroy());
    expect(wire.writeText('early ')).toBe(true);
    expect(wire.send(Buffer.from('-bird-'), 1, 5)).toBe(true);
    expect(wire.unsent).toBe(true);
    sink.onEvent = () => wire.writeText(' sings');
    await until(() => peers.length === 1);
    let got = '';
    peers[0]!.on('data', (chunk) => {
      got += chunk;
    });
    await until(() => got === 'early bird sings');
    expect(wire.unsent).toBe(false);
  });

  it.each([
    [
      'is closed during',
      (socket: net.Socket) => socket.once('data', () => socket.end()),
      /closed the connection during/,
    ],
    ['is no', (socket: net.Socket) => socket.end('220 smtp.test ESMTP\r\n'), /does not speak TLS/],
  ])('tells of a connection that %s a handshake', async (_how, onSocket, message) => {
    const sink = new Recorder();
    tlsWires.dial(await plainEnd(onSocket), '', sink);
    await sink.has('close');
    expect([sink.log, sink.error?.code]).toEqual([['close'], TLS_FAILED]);
    expect(sink.error?.message).toMatch(message);
  });

  it('tells a client that speaks HTTP in the clear so', async () => {
    const answers: string[] = [];
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stage.cleanups.push(() => server.close());
    type Accepting = { _handle: { onconnection: (status: number, client: object) => void } };
    (server as unknown as Accepting)._handle.onconnection = (_status, client) => {
      const wire = tlsWires.accepted(client) as TlsWire;
      wire.plainHttpAnswer = 'HTTP/1.1 400 Bad Request\r\n\r\n';
    };
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').on('error', () => {});
    stage.cleanups.push(() => client.destroy());
    client.on('data', (bytes) => answers.push(String(bytes)));
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await until(() => answers.join('') === 'HTTP/1.1 400 Bad Request\r\n\r\n');
  });

  it('goes on with the session of the connection before', async () => {
    const { target, peers } = await stage.listener();
    for (const resumed of [false, true]) {
      const sink = new Recorder();
      const wire = tlsWires.dial(target, '', sink) as TlsWire;
      await until(() => peers.length === 1);
      const peer = peers.pop() as tls.TLSSocket;
      // Behind the ticket.
      peer.write('x');
      await sink.has('bytes');
      expect([wire.isSessionReused(), peer.isSessionReused()]).toEqual([resumed, resumed]);
      wire.destroy();
      peer.destroy();
    }
  });
});
