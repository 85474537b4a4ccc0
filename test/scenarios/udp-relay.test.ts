import { Buffer } from 'node:buffer';
import { afterEach, describe, expect, it } from 'vitest';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

const configFor = (backends: readonly string[], listener: object = {}, pool: object = {}) => ({
  admin: { bind: '127.0.0.1:0' },
  listeners: { dns: { protocol: 'udp' as const, bind: '127.0.0.1:0', pool: 'dns', ...listener } },
  pools: { dns: { backends: [...backends], ...pool } },
});

/** A backend that answers with its name and what came. */
const named = (name: string, at?: { port: number }) => openUdp((datagram) => [`${name} ${datagram}`], at);

describe('a udp listener', () => {
  it('passes datagrams on one by one, both ways, from the address they were sent to', async () => {
    const backend = await openUdp((datagram) => [`1 ${datagram}`, `2 ${datagram}`]);
    const lb = await runFairlead(configFor([backend.address]));
    const client = await openUdp();
    client.send(lb.address('dns'), 'a', '', 'b');
    expect((await client.until(6)).toSorted()).toEqual(['1 ', '1 a', '1 b', '2 ', '2 a', '2 b']);
    expect(new Set(client.from)).toEqual(new Set([lb.address('dns')]));
    expect(backend.got).toEqual(['a', '', 'b']);
    expect(new Set(backend.from).size).toBe(1);
  });

  it('carries the longest datagrams whole', async () => {
    const backend = await openUdp((datagram) => [datagram]);
    const lb = await runFairlead(configFor([backend.address]));
    const client = await openUdp();
    const longest = Buffer.alloc(65_507, 'x');
    client.send(lb.address('dns'), longest);
    expect((await client.until(1))[0]!.length).toBe(longest.length);
  });

  it('keeps a flow on its backend, over reloads too, and gives each client a flow of its own', async () => {
    const backends = await Promise.all(['a', 'b', 'c'].map((name) => named(name)));
    const config = configFor(backends.map(({ address }) => address));
    const lb = await runFairlead({ ...config, workers: 2 });
    const clients = await Promise.all(Array.from({ length: 6 }, () => openUdp()));
    for (let round = 0; round < 5; round++) {
      for (const client of clients) client.send(lb.address('dns'), `${round}`);
      await Promise.all(clients.map((client) => client.until(round + 1)));
      await lb.reloadWith({ ...config, workers: 2, shutdown: { grace: `${round + 1}s` } });
    }
    const backendsOf = clients.map((client) => new Set(client.got.map((text) => text[0])));
    for (const seen of backendsOf) expect(seen.size).toBe(1);
    expect(backendsOf.map((seen) => [...seen][0]).toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
    expect(await metric(lb, 'connections_active', { listener: 'dns' })).toBe(6);
    expect(await metric(lb, 'connections_total', { listener: 'dns' })).toBe(6);
    expect(await metric(lb, 'datagrams_total', { listener: 'dns', direction: 'in' })).toBe(30);
    expect(await metric(lb, 'datagrams_total', { listener: 'dns', direction: 'out' })).toBe(30);
    expect(await metric(lb, 'bytes_total', { listener: 'dns', direction: 'out' })).toBe(90);
  });

  it('ends a flow that is silent for the idle time, and gives its lease back', async () => {
    const backend = await named('a');
    const lb = await runFairlead({
      ...configFor([backend.address], { timeouts: { idle: '50ms' } }),
      log: { level: 'silent', access: true },
    });
    const client = await openUdp();
    client.send(lb.address('dns'), 'one');
    await client.until(1);
    await eventually(async () => (await metric(lb, 'connections_active', { listener: 'dns' })) === 0, 'the end');
    expect(await metric(lb, 'backend_active', { pool: 'dns' })).toBe(0);
    await eventually(() => lb.accessLines.length === 1, 'a line of the access log');
    expect(JSON.parse(lb.accessLines[0]!)).toMatchObject({ client: '127.0.0.1', bytesIn: 3, bytesOut: 5 });
    client.send(lb.address('dns'), 'two');
    expect(await client.until(2)).toEqual(['a one', 'a two']);
    expect(new Set(backend.from).size).toBe(2);
  });

  it('ends the flows of a source that a reload denies, and no others', async () => {
    const backend = await named('a');
    const config = (deny: string[]) => ({
      ...configFor([backend.address], { deny }),
      log: { level: 'silent' as const, access: true },
    });
    const lb = await runFairlead(config([]));
    const [denied, other] = [await openUdp(undefined, { host: '127.0.0.2' }), await openUdp()];
    for (const client of [denied, other]) {
      client.send(lb.address('dns'), 'one');
      await client.until(1);
    }
    await lb.reloadWith(config(['127.0.0.2']));
    await eventually(async () => (await metric(lb, 'connections_active', { listener: 'dns' })) === 1, 'the end');
    expect(await metric(lb, 'backend_active', { pool: 'dns' })).toBe(1);
    await eventually(() => lb.accessLines.length === 1, 'a line of the access log');
    expect(JSON.parse(lb.accessLines[0]!)).toMatchObject({ client: '127.0.0.2', ended: 'denied' });
    denied.send(lb.address('dns'), 'two');
    other.send(lb.address('dns'), 'two');
    expect(await other.until(2)).toEqual(['a one', 'a two']);
    await eventually(async () => (await metric(lb, 'refusals_total', { reason: 'forbidden' })) === 1, 'the refusal');
    expect([denied.got, new Set(backend.from).size]).toEqual([['a one'], 2]);
  });

  it('moves a flow whose backend is gone, as its next datagram shows', async () => {
    const [a, b] = [await named('a'), await named('b')];
    const lb = await runFairlead(configFor([a.address, b.address]));
    const client = await openUdp();
    client.send(lb.address('dns'), '1');
    const first = (await client.until(1))[0]![0]!;
    const [gone, left] = first === 'a' ? [a, 'b'] : [b, 'a'];
    await gone.close();
    await eventually(() => {
      client.send(lb.address('dns'), '2');
      return client.got.includes(`${left} 2`);
    }, 'an answer of the other backend');
    expect(await metric(lb, 'backend_failures_total', { reason: 'connect-refused' })).toBeGreaterThan(0);
    expect(await metric(lb, 'connections_total', { listener: 'dns' })).toBe(1);
  });

  it('has no place for more flows than its limit, and keeps those that there are', async () => {
    const backend = await named('a');
    const lb = await runFairlead(configFor([backend.address], { limits: { connections: 1 } }));
    const [first, second] = [await openUdp(), await openUdp()];
    first.send(lb.address('dns'), '1');
    await first.until(1);
    second.send(lb.address('dns'), '2');
    await eventually(async () => (await metric(lb, 'refusals_total', { reason: 'saturated' })) === 1, 'a refusal');
    first.send(lb.address('dns'), '3');
    expect(await first.until(2)).toEqual(['a 1', 'a 3']);
    expect(second.got).toEqual([]);
  });

  it('hashes by the address of the client', async () => {
    const backends = await Promise.all(['a', 'b', 'c'].map((name) => named(name)));
    const addresses = backends.map(({ address }) => address);
    const lb = await runFairlead(configFor(addresses, {}, { balance: 'hash' }));
    const clients = await Promise.all(Array.from({ length: 8 }, () => openUdp()));
    for (const client of clients) client.send(lb.address('dns'), 'x');
    await Promise.all(clients.map((client) => client.until(1)));
    expect(new Set(clients.map(({ got }) => got[0])).size).toBe(1);
  });

  it('speaks IPv6 and, on all interfaces, both', async () => {
    const backend = await openUdp((datagram) => [`six ${datagram}`], { host: '::1' });
    const lb = await runFairlead(configFor([backend.address], { bind: ':0' }));
    const port = /:(\d+)$/.exec(lb.address('dns'))![1];
    const [four, six] = [await openUdp(), await openUdp(undefined, { host: '::1' })];
    four.send(`127.0.0.1:${port}`, '4');
    six.send(`[::1]:${port}`, '6');
    expect(await four.until(1)).toEqual(['six 4']);
    expect(await six.until(1)).toEqual(['six 6']);
  });

  it('lets its flows finish when it is taken out of the config, and takes no new ones', async () => {
    const backend = await named('a');
    const config = configFor([backend.address]);
    const lb = await runFairlead(config);
    const address = lb.address('dns');
    const client = await openUdp();
    client.send(address, '1');
    await client.until(1);
    await lb.reloadWith({ ...config, listeners: { other: config.listeners.dns } });
    client.send(address, '2');
    expect(await client.until(2)).toEqual(['a 1', 'a 2']);
    const stranger = await openUdp();
    stranger.send(address, '3');
    client.send(address, '4');
    await client.until(3);
    expect(backend.got).toEqual(['1', '2', '4']);
  });

  it('can be taken out of the config and brought back while it still has flows', async () => {
    const backend = await named('a');
    const config = configFor([backend.address]);
    const lb = await runFairlead(config);
    const address = lb.address('dns');
    const [old, later] = [await openUdp(), await openUdp()];
    const tell = async (client: typeof old, text: string): Promise<string | undefined> => {
      client.send(address, text);
      return (await client.until(client.got.length + 1)).at(-1);
    };
    await tell(old, '1');
    for (let round = 0; round < 2; round++) {
      await lb.reloadWith({ ...config, listeners: { other: config.listeners.dns } });
      expect(await tell(old, '2')).toBe('a 2');
      await lb.reloadWith(config);
      expect(await tell(old, '3')).toBe('a 3');
      expect(await tell(later, '4')).toBe('a 4');
    }
  });

  it('refuses a port that another process has', async () => {
    const other = await openUdp();
    await expect(runFairlead(configFor(['127.0.0.1:1'], { bind: other.address }))).rejects.toThrow(
      /listener dns cannot listen on 127\.0\.0\.1:\d+: another process listens there/,
    );
  });
});
