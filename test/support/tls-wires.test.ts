import net from 'node:net';
import tls from 'node:tls';
import { afterAll } from 'vitest';
import { TlsDialler } from '../../src/connect/tls-dialler.ts';
import type { WireMaker } from '../../src/support/open-wire.ts';
import { TlsWire } from '../../src/support/tls-wire.ts';
import { wireContract } from '../contracts/wire.ts';
import { TestAuthority } from './certificates.ts';
import { closeOpened } from './opened.ts';
import type { WireEnds } from './wire-stage.ts';

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

wireContract('TLS', tlsWires, ends);
