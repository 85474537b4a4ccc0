import { Buffer } from 'node:buffer';
import { constants } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { HandleUdp } from '../../src/support/handle-udp.ts';
import type { DatagramOwner } from '../../src/support/ring-datagrams.ts';
import { createRingRecord } from '../../src/support/ring-record.ts';
import { RingSockets } from '../../src/support/ring-sockets.ts';
import { handleKit } from '../../src/support/socket-handle.ts';
import type { UdpSink, UdpSource, UdpWire } from '../../src/support/udp-wire.ts';
import { until } from './wire-stage.ts';

const rings: RingSockets[] = [];
const wires: UdpWire[] = [];
afterEach(async () => {
  for (const wire of wires.splice(0)) wire.close();
  for (const ring of rings.splice(0)) {
    await until(() => ring.datagrams.size === 0);
    ring.close();
  }
});

function openRing(): RingSockets {
  const ring = new RingSockets(handleKit!, createRingRecord());
  rings.push(ring);
  return ring;
}

/** A maker, and the same that keeps what it makes to close it. */
function sockets() {
  const maker = new HandleUdp(handleKit!);
  const kept = (wire: UdpWire): UdpWire => {
    wires.push(wire);
    return wire;
  };
  return {
    maker,
    bind: async (onDatagram: UdpSink['onDatagram']) =>
      kept(await maker.bind({ host: '127.0.0.1', port: 0, reusePort: false }, { onDatagram, onError: () => {} })),
    connect: (port: number, onDatagram: UdpSink['onDatagram'] = () => {}) =>
      kept(maker.connect({ host: '127.0.0.1', port, local: '' }, { onDatagram, onError: () => {} })),
  };
}

/** Texts of some length that differ from each other all over. */
const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i};`.repeat(1 + (i % 60)));

describe('UDP sockets in a ring', () => {
  it('pass on what came by a ring through a handle, each datagram as it was', async () => {
    const { maker, bind, connect } = sockets();
    const got: string[] = [];
    const last = await bind((bytes) => got.push(bytes.toString()));
    // This one was there before the ring, and goes on by its handle.
    const onward = connect(last.localPort);
    const ring = openRing();
    const first = await bind((bytes) => {
      onward.send(bytes);
      // As the kernel may at any time after this.
      bytes.fill('?');
    });
    maker.useRing(ring);
    const client = connect(first.localPort);
    const sent = texts(2000);
    for (let i = 0; i < sent.length; i += 200) {
      for (const text of sent.slice(i, i + 200)) client.send(Buffer.from(text));
      await until(() => got.length === Math.min(i + 200, sent.length));
    }
    expect(got).toEqual(sent);
  });

  it('lose nothing when they go into the ring and out of it', async () => {
    const { maker, bind, connect } = sockets();
    const ring = openRing();
    const server: UdpWire = await bind((bytes, from) => void server.sendTo(bytes, from));
    const got: string[] = [];
    const clients = Array.from({ length: 4 }, () => connect(server.localPort, (bytes) => got.push(bytes.toString())));
    const sent = texts(400);
    for (const [i, text] of sent.entries()) {
      clients[i % 4]!.send(Buffer.from(text));
      if (i % 7 === 0) maker.useRing(i % 14 === 0 ? ring : undefined);
      if (i % 3 === 0) await nextTurn();
      if (i % 50 === 49) await until(() => got.length === i + 1);
    }
    expect(got.toSorted()).toEqual(sent.toSorted());
  });

  it('leave nothing to be sent by whatever socket has their descriptor next', async () => {
    const { maker, bind, connect } = sockets();
    const ring = openRing();
    maker.useRing(ring);
    const got: string[] = [];
    const [one, other] = [
      await bind((bytes) => got.push(`one ${bytes}`)),
      await bind((bytes) => got.push(`other ${bytes}`)),
    ];
    const first = connect(one.localPort);
    await nextTurn();
    first.send(Buffer.from('for one'));
    // As when its backend is found gone amid other things that the ring tells. It was the last to join.
    ring.datagrams.onDatagramEnd(2, -constants.errno.ECONNREFUSED);
    first.close();
    connect(other.localPort).send(Buffer.from('for other'));
    await until(() => got.length === 2);
    expect(got.toSorted()).toEqual(['one for one', 'other for other']);
  });

  it('hear of no more than one wants of them when they close amid what comes', async () => {
    const { maker, bind, connect } = sockets();
    maker.useRing(openRing());
    let heard = 0;
    const server = await bind(() => {
      heard++;
      if (heard === 3) server.close();
    });
    const client = connect(server.localPort);
    for (let i = 0; i < 20; i++) client.send(Buffer.from('x'));
    await until(() => heard >= 3);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toBe(3);
  });
});

describe('datagrams that are sent by a ring', () => {
  /** A socket of the ring's own that is connected to one that nobody reads. */
  async function toNowhere() {
    const ring = openRing();
    const { bind } = sockets();
    const { localPort } = await bind(() => {});
    const handle = handleKit!.newUdp();
    handle.bind('127.0.0.1', 0, 0);
    handle.connect('127.0.0.1', localPort);
    const unsent: [text: string, to: UdpSource | undefined][] = [];
    const failed: [status: number, call: string][] = [];
    const owner: DatagramOwner = {
      onRingDatagram: () => {},
      onRingUnsent: (bytes, to) => unsent.push([bytes.toString(), to]),
      onRingFailed: (status, call) => failed.push([status, call]),
      onRingLeft: () => handle.close(),
    };
    const socket = ring.datagrams.join(owner, handle.fd);
    return { ring, socket, unsent, failed };
  }

  it('are kept until it is known that they were taken', async () => {
    const { ring, socket, unsent, failed } = await toNowhere();
    for (const text of ['one', 'two']) ring.datagrams.send(socket, Buffer.from(text), undefined);
    ring.datagrams.onDatagramUnsent(1, -constants.errno.EAGAIN);
    ring.datagrams.onDatagramUnsent(0, -constants.errno.EPERM);
    expect(unsent).toEqual([['two', undefined]]);
    expect(failed).toEqual([[-constants.errno.EPERM, 'send']]);
    ring.datagrams.leave(socket);
  });

  it('are no more than can be kept, and more in the next turn', async () => {
    const { ring, socket } = await toNowhere();
    const bytes = Buffer.from('x');
    const takes = (): boolean => ring.datagrams.send(socket, bytes, undefined);
    let count = 0;
    while (takes()) count++;
    expect(count).toBe(2048);
    await until(takes);
    const long = Buffer.alloc(60_000);
    await until(() => ring.datagrams.send(socket, long, undefined));
    let more = 0;
    while (ring.datagrams.send(socket, long, undefined)) more++;
    expect(more).toBe(3);
    ring.datagrams.leave(socket);
    expect(takes()).toBe(false);
  });
});
