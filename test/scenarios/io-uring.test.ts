import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { runApart } from '../support/apart.ts';
import { TestAuthority } from '../support/certificates.ts';
import { startH2Backend } from '../support/h2-backend.ts';
import { runLoad, startNamed } from '../support/load.ts';
import { openRings } from '../support/open-rings.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, RawClient } from '../support/raw-client.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { startPeer } from '../support/tcp-peer.ts';
import { connectTls } from '../support/tls-client.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

const echo = (socket: net.Socket): unknown => socket.pipe(socket);
const IN_USE = 'connections use io_uring';

const tcp = { protocol: 'tcp', bind: '127.0.0.1:0' } as const;

function relay(backend: string, changes: Partial<ConfigInput> = {}): ConfigInput {
  return {
    ioUring: true,
    log: { level: 'info' },
    listeners: { l4: { ...tcp, pool: 'l4' } },
    pools: { l4: { backends: [backend], health: { type: 'off' } } },
    ...changes,
  };
}

function datagrams(backends: string[], changes: Partial<ConfigInput> = {}): ConfigInput {
  return {
    ioUring: true,
    listeners: { l4: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'l4' } },
    pools: { l4: { backends, health: { type: 'off' } } },
    ...changes,
  };
}

/** Says something of each of these lengths, and hears it back each time before it goes on. */
async function converse(lb: RunningFairlead, lengths: readonly number[], each?: (i: number) => Promise<unknown>) {
  const client = await connectTo(lb.address('l4'));
  let said = '';
  for (const [i, length] of lengths.entries()) {
    const bytes = randomBytes(length);
    said += bytes.toString('latin1');
    client.send(bytes);
    await client.until(() => client.text.length === said.length, `echo ${i}`);
    await each?.(i);
  }
  client.end();
  await client.until(() => client.ending !== undefined, 'end');
  expect([client.text === said, client.ending]).toEqual([true, 'fin']);
}

/** A client that has said and heard 'hello' fifty times, so that both of its connections are in the ring. */
async function talked(lb: RunningFairlead): Promise<RawClient> {
  const client = await connectTo(lb.address('l4'));
  for (let i = 1; i <= 50; i++) {
    client.send('hello');
    await client.until(() => client.text.length === i * 5, `echo ${i}`);
  }
  return client;
}

const small = (count: number): number[] => Array.from({ length: count }, (_, i) => 1 + ((i * 37) % 900));

describe('with io_uring', () => {
  it('relays what is said in small pieces, and much amid it', async () => {
    const peer = await startPeer(echo);
    const lb = await runFairlead(relay(peer.address));
    const lengths = [...small(60), 500_000, ...small(40), 8192, 8191, 16_384, 16_385, ...small(40), 3_000_000];
    await Promise.all(Array.from({ length: 10 }, () => converse(lb, lengths)));
    expect(lb.logLines.join()).toContain(IN_USE);
  });

  it('relays what is said both ways at any time, to its end', async () => {
    const lengths = Array.from({ length: 400 }, (_, i) => ((i * 7919) % 100 < 90 ? 1 + ((i * 131) % 3000) : 60_000));
    const heard: Promise<string>[] = [];
    const speak = async (socket: net.Socket): Promise<string> => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      const ended = new Promise((resolve) => socket.once('end', resolve));
      for (const [i, length] of lengths.entries()) {
        socket.write(Buffer.alloc(length, i));
        if (i % 7 === 0) await new Promise((resolve) => setTimeout(resolve, i % 3));
      }
      socket.end();
      await ended;
      return text;
    };
    const peer = await startPeer((socket) => void heard.push(speak(socket)), { halfOpen: true });
    const lb = await runFairlead(relay(peer.address));
    const clients = await Promise.all(Array.from({ length: 12 }, () => connectTo(lb.address('l4'))));
    const expected = lengths.map((length, i) => String.fromCharCode(i % 256).repeat(length)).join('');
    for (const client of clients) client.socket.setEncoding('latin1');
    await Promise.all(clients.map(({ socket }) => speak(socket)));
    for (const client of clients) expect([client.text === expected, client.ending]).toEqual([true, 'fin']);
    for (const text of await Promise.all(heard)) expect(text === expected).toBe(true);
  });

  it('passes resets on, and ends what is idle', async () => {
    const sockets: net.Socket[] = [];
    const peer = await startPeer((socket) => {
      sockets.push(socket);
      echo(socket);
    });
    const lb = await runFairlead(
      relay(peer.address, {
        listeners: { l4: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'l4', timeouts: { idle: '300ms' } } },
      }),
    );
    const resetByBackend = await talked(lb);
    sockets[0]!.resetAndDestroy();
    await resetByBackend.until(() => resetByBackend.ending === 'reset', 'reset');
    (await talked(lb)).reset();
    await peer.until(() => peer.endings.length === 2);
    expect(peer.endings[1]).toBe('reset');
    const idle = await talked(lb);
    await idle.until(() => idle.ending === 'fin', 'end');
  });

  it('stops a reader that is too slow, and loses nothing', async () => {
    const peer = await startPeer(echo);
    const lb = await runFairlead(relay(peer.address));
    const client = await talked(lb);
    client.socket.pause();
    const piece = 'x'.repeat(5000);
    for (let i = 0; i < 4000; i++) client.send(piece);
    await new Promise((resolve) => setTimeout(resolve, 300));
    client.socket.resume();
    await client.until(() => client.text.length === 250 + 4000 * 5000, 'all of it');
  });

  it('serves requests on connections that are kept, and long answers', async () => {
    const backend = remember(await startNamed('a'));
    const lb = await runFairlead({ ...webConfig([backend.address]), ioUring: true });
    const begun = performance.now();
    const { statuses, errors } = await runLoad(lb.address(), {
      connections: 40,
      until: () => performance.now() - begun > 1500,
    });
    expect([[...statuses.keys()], errors.size]).toEqual([[200], 0]);
  });

  it('ends TLS, reads PROXY headers, and speaks HTTP/2 with backends', async () => {
    const backend = await startH2Backend((stream) => stream.end('over HTTP/2'));
    const files = new TestAuthority().for('127.0.0.1');
    const bind = '127.0.0.1:0';
    const lb = await runFairlead({
      ...webConfig([backend.address], {}, { connect: { http2: true } }),
      listeners: {
        secure: { protocol: 'http', bind, pool: 'web', tls: files },
        proxied: { protocol: 'http', bind, pool: 'web', proxyProtocol: true },
        both: { protocol: 'http', bind, pool: 'web', proxyProtocol: true, tls: files },
      },
      ioUring: true,
    });
    const header = 'PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n';
    const beneath = await connectTo(lb.address('both'));
    beneath.send(header);
    const socket = tls.connect({ socket: beneath.socket, rejectUnauthorized: false });
    const clients = [
      await connectTls(lb.address('secure'), { rejectUnauthorized: false }),
      (await connectTo(lb.address('proxied'))).send(header),
      new RawClient(socket),
    ];
    for (const client of clients) expect((await client.send(get()).answer()).body).toBe('over HTTP/2');
  });

  it('goes on when there were no descriptors for a while', async () => {
    const peer = await startPeer(echo);
    const lb = await runApart({ ...relay(peer.address), listeners: { web: { ...tcp, pool: 'l4' } } });
    const open = readdirSync(`/proc/${lb.pid}/fd`).length;
    spawnSync('prlimit', [`--pid=${lb.pid}`, `--nofile=${open + 40}`]);
    const clients = await Promise.all(Array.from({ length: 60 }, () => connectTo(lb.address)));
    for (const client of clients) client.send('hello');
    const over = (client: RawClient): boolean => client.text === 'hello' || client.ending === 'reset';
    await expect.poll(() => clients.filter(over).length).toBeGreaterThan(20);
    for (const client of clients) client.reset();
    await expect.poll(() => readdirSync(`/proc/${lb.pid}/fd`).length, { timeout: 5000 }).toBeLessThan(open + 20);
    for (let i = 0; i < 20; i++) {
      const client = await connectTo(lb.address);
      client.send('hello');
      await client.until(() => client.text === 'hello', 'echo');
      client.end();
    }
  });

  it('takes all of a crowd beside a connection that is kept, also when it is turned off amid it', async () => {
    const peer = await startPeer(echo);
    const lb = await runFairlead(relay(peer.address));
    const kept = await talked(lb);
    let rounds = 0;
    const talks = eventually(() => {
      if (kept.text.length === (50 + rounds) * 5) kept.send('again') && rounds++;
      return rounds === 100;
    }, 'talk');
    const clients = await Promise.all(
      Array.from({ length: 400 }, async (_, i) => {
        const client = await connectTo(lb.address('l4'));
        if (i === 200) await lb.reloadWith(relay(peer.address, { ioUring: false }));
        return client.send('hello');
      }),
    );
    for (const client of clients) await client.until(() => client.text === 'hello', 'echo');
    await talks;
    expect(peer.open).toBe(401);
  });

  it('can be turned on and off by a reload, amid what is said', async () => {
    const peer = await startPeer(echo);
    const lb = await runFairlead(relay(peer.address, { ioUring: false }));
    const before = openRings();
    await converse(lb, small(120), async (i) => {
      if (i % 30 === 20) await lb.reloadWith(relay(peer.address, { ioUring: i % 60 === 20 }));
    });
    expect(openRings()).toBe(before + 1);
    expect(lb.logLines.filter((line) => line.includes(IN_USE))).toHaveLength(2);
  });

  it('is used unless it is turned off, and set in other words goes on as it is', async () => {
    const peer = await startPeer(echo);
    const { ioUring: _, ...unsaid } = relay(peer.address);
    const lb = await runFairlead(unsaid);
    const ring = openRings();
    await converse(lb, small(60), async (i) => {
      if (i === 30) await lb.reloadWith({ ...unsaid, ioUring: true });
    });
    expect([openRings(), lb.logLines.filter((line) => line.includes(IN_USE)).length]).toEqual([ring, 2]);
  });

  it('passes datagrams on, while it is turned off and on, and moves a flow whose backend is gone', async () => {
    const [one, two] = [await openUdp((datagram) => [datagram]), await openUdp((datagram) => [datagram])];
    const config = (ioUring: boolean) => datagrams([one.address, two.address], { ioUring });
    const lb = await runFairlead(config(true));
    const clients = await Promise.all(Array.from({ length: 6 }, () => openUdp()));
    const sent = Array.from({ length: 60 }, (_, i) => `${i} `.repeat(1 + ((i * 37) % 900)));
    for (const [i, text] of sent.entries()) {
      for (const client of clients) client.send(lb.address('l4'), text);
      if (i % 20 === 10) await lb.reloadWith(config(i % 40 !== 10));
      for (const client of clients) await client.until(i + 1);
    }
    for (const { got, from } of clients) expect([got, new Set(from)]).toEqual([sent, new Set([lb.address('l4')])]);
    expect([one.got.length, two.got.length]).toEqual([180, 180]);
    await one.close();
    for (const client of clients) {
      await expect
        .poll(() => {
          client.send(lb.address('l4'), 'again');
          return client.got.at(-1);
        })
        .toBe('again');
    }
  });

  it('has the ports of udp listeners free again when a worker dies', async () => {
    const backend = await openUdp((datagram) => [datagram]);
    const lb = await runFairlead(datagrams([backend.address], { workers: 2 }));
    const client = await openUdp();
    // What comes while there is no worker is lost, as datagrams are.
    const asked = async (text: string): Promise<void> => {
      const tell = (): unknown => client.send(lb.address('l4'), text) ?? client.got.includes(text);
      await expect.poll(tell, { timeout: 5000 }).toBe(true);
    };
    for (const worker of [0, 1, 0]) {
      await asked(`before worker ${worker} dies`);
      await lb.crashWorker(worker);
    }
    await asked('at last');
  });

  it('leaves nothing behind when a worker dies or the process ends', async () => {
    const peer = await startPeer(echo);
    const before = openRings();
    const lb = await runFairlead(relay(peer.address, { workers: 2 }));
    expect(openRings()).toBe(before + 2);
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectTo(lb.address('l4'))));
    for (let i = 1; i <= 40; i++) {
      for (const client of clients) client.send('hello');
      for (const client of clients) await client.until(() => client.text.length === i * 5, `echo ${i}`);
    }
    // These have said nothing yet, or once: only the ring has their sockets.
    const young = await Promise.all(Array.from({ length: 20 }, () => connectTo(lb.address('l4'))));
    for (const client of young.slice(10)) client.send('hello');
    for (const client of young.slice(10)) await client.until(() => client.text === 'hello', 'echo');
    await peer.until(() => peer.open === 40);
    await lb.crashWorker(0);
    await lb.crashWorker(1);
    for (const client of [...clients, ...young]) await client.until(() => client.ending !== undefined, 'end');
    await peer.until(() => peer.open === 0);
    await expect.poll(openRings, { timeout: 5000 }).toBe(before + 2);
    await converse(lb, small(50));
    await lb.close();
    expect(openRings()).toBe(before);
  });
});
