import type net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDeafListener } from '../support/deaf-listener.ts';
import { deadAddress } from '../support/kept-ports.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

function tcpConfig(
  backends: unknown[],
  changes: Record<string, unknown> = {},
  pool: Record<string, unknown> = {},
): ConfigInput {
  return {
    listeners: { db: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'db', ...changes } },
    pools: { db: { backends, health: { type: 'off' }, ...pool } },
  } as ConfigInput;
}

describe('an L4 connection', () => {
  it('carries bytes both ways as they are', async () => {
    const peer = await startPeer((socket) => socket.pipe(socket));
    const lb = await runFairlead(tcpConfig([peer.address]));
    const client = await connectTo(lb.address('db'));
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));
    client.send(bytes);
    await client.until(() => client.text.length === bytes.length, 'echo');
    expect(Buffer.from(client.text, 'latin1').equals(bytes)).toBe(true);
  });

  it('lets the backend speak first', async () => {
    const peer = await startPeer((socket) => socket.write('220 ready\r\n'));
    const lb = await runFairlead(tcpConfig([peer.address]));
    const client = await connectTo(lb.address('db'));
    await client.until(() => client.text === '220 ready\r\n', 'greeting');
  });

  it('brings the whole answer to a client that half-closed after its request', async () => {
    const answer = 'x'.repeat(3_000_000);
    const peer = await startPeer(
      (socket) => {
        socket.on('end', () => setTimeout(() => socket.end(answer), 60));
        socket.resume();
      },
      { halfOpen: true },
    );
    const lb = await runFairlead(tcpConfig([peer.address]));
    const client = await connectTo(lb.address('db'));
    const { text, ending } = await client.send('request').end().ended();
    expect([text === answer, ending]).toEqual([true, 'fin']);
  });

  it('brings what the client still sends to a backend that half-closed', async () => {
    let heard = '';
    const peer = await startPeer(
      (socket) => {
        socket.on('data', (chunk) => (heard += chunk));
        socket.end('bye');
      },
      { halfOpen: true },
    );
    const lb = await runFairlead(tcpConfig([peer.address]));
    const client = await connectTo(lb.address('db'));
    await client.until(() => client.ending === 'fin', 'FIN of the backend');
    expect(client.text).toBe('bye');
    client.send('still here').end();
    await peer.until(() => heard === 'still here');
  });

  it('passes a reset by the backend on as a reset', async () => {
    const peer = await startPeer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const lb = await runFairlead(tcpConfig([peer.address]));
    const client = await connectTo(lb.address('db'));
    expect((await client.send('x').ended()).ending).toBe('reset');
  });

  it('passes a reset by the backend on behind what came before it, also when writing shows it first', async () => {
    const begun = Promise.withResolvers<net.Socket>();
    const peer = await startPeer((socket) => void socket.once('data', () => begun.resolve(socket)));
    const lb = await runFairlead(tcpConfig([peer.address]));
    const client = await connectTo(lb.address('db'));
    client.send('x');
    const socket = await begun.promise;
    client.send('y'.repeat(100_000));
    socket.write('bye');
    socket.resetAndDestroy();
    expect(await client.ended()).toEqual({ text: 'bye', ending: 'reset' });
  });

  it('passes a reset by the client on as a reset', async () => {
    const peer = await startPeer((socket) => socket.resume());
    const lb = await runFairlead(tcpConfig([peer.address]));
    const client = await connectTo(lb.address('db'));
    client.send('x');
    await peer.until(() => peer.endings.length === 0 && peer.open === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.reset();
    await peer.until(() => peer.endings.length === 1);
    expect(peer.endings).toEqual(['reset']);
  });

  it.each(['client', 'backend'])('is cut when nothing moves for the idle time, seen from the %s', async (side) => {
    const peer = await startPeer((socket) => socket.resume());
    const lb = await runFairlead(tcpConfig([peer.address], { timeouts: { idle: '150ms' } }));
    const client = await connectTo(lb.address('db'));
    client.send('x');
    await client.ended();
    if (side === 'backend') await peer.until(() => peer.open === 0);
    expect(client.text).toBe('');
  });

  it('lives beyond the idle time as long as one side speaks', async () => {
    const peer = await startPeer((socket) => {
      const timer = setInterval(() => socket.write('.'), 100);
      socket.on('close', () => clearInterval(timer));
    });
    const lb = await runFairlead(tcpConfig([peer.address], { timeouts: { idle: '1s' } }));
    const client = await connectTo(lb.address('db'));
    await client.until(() => client.text.length > 15, 'dots');
    expect(client.ending).toBeUndefined();
  });

  it('gives a half-closed connection the shorter time', async () => {
    const peer = await startPeer((socket) => socket.resume());
    const lb = await runFairlead(tcpConfig([peer.address], { timeouts: { idle: '1h', halfClose: '150ms' } }));
    const client = await connectTo(lb.address('db'));
    await client.send('x').end().ended();
    await peer.until(() => peer.open === 0);
  });
});

describe('the backend of an L4 connection', () => {
  it('is another one when the dial fails, and the client does not notice', async () => {
    const peer = await startPeer((socket) => socket.end('alive'));
    const dead = await deadAddress();
    const lb = await runFairlead(tcpConfig([dead, peer.address]));
    for (let i = 0; i < 6; i++) {
      const client = await connectTo(lb.address('db'));
      expect(await client.ended()).toEqual({ text: 'alive', ending: 'fin' });
    }
  });

  it('is a backup when the only other one cannot be dialled, each time', async () => {
    const peer = await startPeer((socket) => socket.end('alive'));
    const dead = await deadAddress();
    const lb = await runFairlead(tcpConfig([dead, { address: peer.address, backup: true }]));
    for (let i = 0; i < 3; i++) {
      const client = await connectTo(lb.address('db'));
      expect(await client.ended()).toEqual({ text: 'alive', ending: 'fin' });
    }
  });

  it('gets no byte before it is connected, and all of them after', async () => {
    let heard = '';
    const peer = await startPeer((socket) => socket.on('data', (chunk) => (heard += chunk)));
    const dead = await deadAddress();
    const lb = await runFairlead(tcpConfig([dead, peer.address]));
    for (let i = 0; i < 2; i++) (await connectTo(lb.address('db'))).send(`hello${i}`);
    await peer.until(() => heard.length === 12);
    expect(heard).toContain('hello0');
    expect(heard).toContain('hello1');
  });

  it('does not exist: the client is reset', async () => {
    const dead = await deadAddress();
    const lb = await runFairlead(tcpConfig([dead]));
    const client = await connectTo(lb.address('db'));
    expect((await client.ended()).ending).toBe('reset');
  });

  it('counts as tried again only when there is another one', async () => {
    const dead = await Promise.all([deadAddress(), deadAddress()]);
    const lb = await runFairlead({ ...tcpConfig(dead), admin: { bind: '127.0.0.1:0' } });
    expect((await (await connectTo(lb.address('db'))).ended()).ending).toBe('reset');
    expect(await metric(lb, 'retries_total', { pool: 'db' })).toBe(1);
    expect(await metric(lb, 'backend_picks_total', { pool: 'db' })).toBe(2);
  });

  it('is not looked for any more when the client has reset its connection meanwhile', async () => {
    const [deaf, peer] = [await startDeafListener(), await startPeer(() => undefined)];
    const backends = [deaf.address, { address: peer.address, backup: true }];
    const config = tcpConfig(backends, {}, { connect: { timeout: '300ms' } });
    const lb = await runFairlead({ ...config, admin: { bind: '127.0.0.1:0' } });
    (await connectTo(lb.address('db'))).reset();
    const aborted = () => metric(lb, 'connections_ended_total', { listener: 'db', how: 'client-aborted' });
    await eventually(async () => (await aborted()) === 1, 'its end');
    expect(peer.taken).toBe(0);
  });

  it('is the least loaded one', async () => {
    const peers = await Promise.all([0, 1, 2].map((n) => startPeer((socket) => socket.write(String(n)))));
    const lb = await runFairlead(
      tcpConfig(
        peers.map(({ address }) => address),
        {},
        { balance: 'least-connections' },
      ),
    );
    const clients = [];
    for (let i = 0; i < 9; i++) {
      const client = await connectTo(lb.address('db'));
      await client.until(() => client.text !== '', 'name');
      clients.push(client);
    }
    expect(peers.map(({ open }) => open)).toEqual([3, 3, 3]);
    for (const client of clients.filter(({ text }) => text === '1')) client.close();
    await peers[1]!.until(() => peers[1]!.open === 0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    for (let i = 0; i < 3; i++) {
      const client = await connectTo(lb.address('db'));
      await client.until(() => client.text !== '', 'name');
    }
    expect(peers[1]!.open).toBe(3);
  });

  it('may be on IPv6 and on a Unix socket, as the listener may', async () => {
    const path = join(tmpdir(), `fairlead-tcp-${process.pid}.sock`);
    const six = await startPeer((socket) => socket.end('six'), { where: { host: '::1', port: 0 } });
    const unix = await startPeer((socket) => socket.end('unix'), { where: { path: `${path}.backend` } });
    const lb = await runFairlead({
      listeners: {
        six: { protocol: 'tcp', bind: '[::1]:0', pool: 'six' },
        unix: { protocol: 'tcp', bind: `unix:${path}`, pool: 'unix' },
      },
      pools: {
        six: { backends: [six.address], health: { type: 'off' } },
        unix: { backends: [unix.address], health: { type: 'off' } },
      },
    });
    expect((await (await connectTo(lb.address('six'))).ended()).text).toBe('six');
    expect((await (await connectTo(`unix:${path}`)).ended()).text).toBe('unix');
  });
});

describe('the limits of an L4 listener', () => {
  it('reset what is over them, and make room again', async () => {
    const peer = await startPeer((socket) => socket.write('in'));
    const lb = await runFairlead(tcpConfig([peer.address], { limits: { connections: 2 } }));
    const clients = [await connectTo(lb.address('db')), await connectTo(lb.address('db'))];
    for (const client of clients) await client.until(() => client.text === 'in', 'greeting');
    expect((await (await connectTo(lb.address('db'))).ended()).ending).toBe('reset');
    clients[0]!.close();
    await peer.until(() => peer.open === 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const again = await connectTo(lb.address('db'));
    await again.until(() => again.text === 'in', 'greeting');
  });
});
