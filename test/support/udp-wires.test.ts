import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { HandleUdp } from '../../src/support/handle-udp.ts';
import { createRingRecord } from '../../src/support/ring-record.ts';
import { RingSockets } from '../../src/support/ring-sockets.ts';
import { handleKit } from '../../src/support/socket-handle.ts';
import {
  MOST_QUEUED_BYTES,
  socketUdp,
  type UdpBind,
  type UdpMaker,
  type UdpSink,
  type UdpSource,
  type UdpWire,
} from '../../src/support/udp-wire.ts';

/** Keeps what it hears. */
class Heard implements UdpSink {
  readonly got: [text: string, from: UdpSource][] = [];
  readonly errors: (string | undefined)[] = [];

  onDatagram(bytes: Buffer, { address, port }: UdpSource): void {
    this.got.push([bytes.toString(), { address, port }]);
  }

  onError(error: NodeJS.ErrnoException): void {
    this.errors.push(error.code);
  }
}

const at = (host: string, port = 0, reusePort = false): UdpBind => ({ host, port, reusePort });

const ring = new RingSockets(handleKit!, createRingRecord());
afterAll(async () => {
  await vi.waitFor(() => expect(ring.datagrams.size).toBe(0));
  ring.close();
});

function ringUdp(): HandleUdp {
  const udp = new HandleUdp(handleKit!);
  udp.useRing(ring);
  return udp;
}

const makers: readonly [string, UdpMaker][] = [
  ['node:dgram', socketUdp],
  ['a handle', new HandleUdp(handleKit!)],
  ['a ring', ringUdp()],
];

describe.each(makers)('a UDP socket on %s', (_name, maker) => {
  async function pair(host: string): Promise<{ server: UdpWire; served: Heard; client: UdpWire; heard: Heard }> {
    const [served, heard] = [new Heard(), new Heard()];
    const server = await maker.bind(at(host), served);
    const client = maker.connect({ host, port: server.localPort, local: '' }, heard);
    return { server, served, client, heard };
  }

  it.each(['127.0.0.1', '::1'])('carries datagrams both ways over %s', async (host) => {
    const { server, served, client, heard } = await pair(host);
    for (const text of ['one', '', 'three']) expect(client.send(Buffer.from(text))).toBe(true);
    await expect.poll(() => served.got.map(([text]) => text)).toEqual(['one', '', 'three']);
    const [, from] = served.got[0]!;
    expect(from.address).toBe(host);
    expect(server.sendTo(Buffer.from('back'), from)).toBe(true);
    await expect.poll(() => heard.got).toEqual([['back', { address: host, port: server.localPort }]]);
    server.close();
    client.close();
  });

  it('hears that nobody is there, after the send', async () => {
    const { server, client, heard } = await pair('127.0.0.1');
    server.close();
    await expect
      .poll(() => {
        client.send(Buffer.from('x'));
        return heard.errors;
      })
      .toContain('ECONNREFUSED');
    client.close();
  });

  it('hears nothing after it was closed, and closes once', async () => {
    const { server, served, client } = await pair('127.0.0.1');
    client.send(Buffer.from('first'));
    await expect.poll(() => served.got).toHaveLength(1);
    client.send(Buffer.from('second'));
    server.close();
    client.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(served.got).toHaveLength(1);
    expect(served.errors).toEqual([]);
  });

  it('comes from the address it is told to', async () => {
    const served = new Heard();
    const server = await maker.bind(at('127.0.0.1'), served);
    const client = maker.connect({ host: '127.0.0.1', port: server.localPort, local: '127.0.0.9' }, new Heard());
    client.send(Buffer.from('x'));
    await expect.poll(() => served.got[0]?.[1].address).toBe('127.0.0.9');
    server.close();
    client.close();
  });

  it('tells of a connect that cannot be, whatever is sent', async () => {
    const heard = new Heard();
    const client = maker.connect({ host: '255.255.255.255', port: 9, local: '' }, heard);
    expect(client.send(Buffer.from('x'))).toBe(true);
    await expect.poll(() => heard.errors.length).toBeGreaterThan(0);
    expect(heard.errors).toContain('EACCES');
    client.send(Buffer.from('y'));
    client.close();
  });

  it.each(['0.0.0.0', '::'])('hears at an address of its own beside one at all of %s', async (host) => {
    const [all, one] = [new Heard(), new Heard()];
    const wide = await maker.bind(at(host, 0, true), all);
    const close = await maker.bind(at('127.0.0.2', wide.localPort, true), one);
    await expect(maker.bind(at('127.0.0.3', wide.localPort), new Heard())).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    for (const asked of ['127.0.0.1', '127.0.0.2']) {
      const client = maker.connect({ host: asked, port: wide.localPort, local: '' }, new Heard());
      client.send(Buffer.from(asked));
      await expect.poll(() => [...all.got, ...one.got].map(([text]) => text)).toContain(asked);
      client.close();
    }
    expect([all.got.length, one.got.map(([text]) => text)]).toEqual([1, ['127.0.0.2']]);
    wide.close();
    close.close();
  });

  it('rejects an address that is taken', async () => {
    const first = await maker.bind(at('127.0.0.1'), new Heard());
    await expect(maker.bind(at('127.0.0.1', first.localPort), new Heard())).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    first.close();
  });

  it('answers those it has heard from, over both families at once', async () => {
    const served = new Heard();
    const echo: UdpSink = {
      onDatagram: (bytes, from) => {
        served.onDatagram(bytes, from);
        server.sendTo(bytes, from);
      },
      onError: () => {},
    };
    const server = await maker.bind(at('::'), echo);
    const heard = Array.from({ length: 8 }, () => new Heard());
    const clients = heard.map((sink, i) =>
      maker.connect({ host: i % 2 ? '::1' : '127.0.0.1', port: server.localPort, local: '' }, sink),
    );
    for (const round of [1, 2, 3]) {
      for (const [i, client] of clients.entries()) client.send(Buffer.from(`${i}.${round}`));
      await expect.poll(() => heard.map(({ got }) => got.length)).toEqual(heard.map(() => round));
    }
    for (const [i, { got }] of heard.entries())
      expect(got.map(([text]) => text)).toEqual([1, 2, 3].map((round) => `${i}.${round}`));
    const sources = served.got.map(([, { address, port }]) => `${address} ${port}`);
    expect(new Set(sources)).toEqual(
      new Set(clients.map(({ localPort }, i) => `${i % 2 ? '::1' : '::ffff:127.0.0.1'} ${localPort}`)),
    );
    for (const wire of [server, ...clients]) wire.close();
  });

  it('carries the longest datagrams, and tells of those that cannot go', async () => {
    const { server, served, client, heard } = await pair('127.0.0.1');
    const longest = Buffer.alloc(65_507, 'long');
    client.send(longest);
    await expect.poll(() => served.got.length).toBe(1);
    expect(served.got[0]![0]).toBe(longest.toString());
    client.send(Buffer.alloc(65_508));
    await expect.poll(() => heard.errors).toEqual(['EMSGSIZE']);
    server.sendTo(Buffer.from('all'), { address: '255.255.255.255', port: 9 });
    await expect.poll(() => served.errors).toEqual(['EACCES']);
    client.send(Buffer.from('as before'));
    await expect.poll(() => served.got.length).toBe(2);
    server.close();
    client.close();
  });

  it('tells what cannot be connected to, and no sooner than the caller can hear it', async () => {
    const heard = new Heard();
    const wire = maker.connect({ host: '127.0.0.1', port: 9, local: '203.0.113.7' }, heard);
    expect(heard.errors).toEqual([]);
    await expect.poll(() => heard.errors.length).toBeGreaterThan(0);
    wire.close();
  });
});

describe('a UDP socket on a handle', () => {
  const maker = new HandleUdp(handleKit!);

  it('sends what it was given in the turn in which it is closed', async () => {
    const served = new Heard();
    const server = await maker.bind(at('127.0.0.1'), served);
    const client = maker.connect({ host: '127.0.0.1', port: server.localPort, local: '' }, new Heard());
    client.send(Buffer.from('last words'));
    client.close();
    await expect.poll(() => served.got.map(([text]) => text)).toEqual(['last words']);
    server.close();
  });

  it('takes no more in one turn than it may hold, and more in the next', async () => {
    const server = await maker.bind(at('127.0.0.1'), new Heard());
    const client = maker.connect({ host: '127.0.0.1', port: server.localPort, local: '' }, new Heard());
    const datagram = Buffer.alloc(60_000);
    const took = Array.from({ length: 30 }, () => client.send(datagram));
    const most = Math.floor(MOST_QUEUED_BYTES / datagram.length) + 1;
    expect(took).toEqual(took.map((_, i) => i < most));
    await nextTurn();
    expect(client.send(datagram)).toBe(true);
    client.close();
    server.close();
  });
});
