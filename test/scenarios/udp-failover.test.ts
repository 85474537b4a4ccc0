import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { closeOpened } from '../support/opened.ts';
import { askApi } from '../support/operator.ts';
import { eventually } from '../support/patience.ts';
import { runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

let discard = 9;

/** An address that sockets may not send to unless they ask for it. */
const forbidden = async () => `255.255.255.255:${discard++}`;

/** No failure puts a backend out, so that each flow may meet those that are gone. */
const configFor = (backends: readonly string[]): ConfigInput => ({
  admin: { bind: '127.0.0.1:0' },
  listeners: { dns: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'dns' } },
  pools: { dns: { backends: [...backends], eject: { failures: 0 } } },
});

const named = (name: string) => openUdp((datagram) => [`${name} ${datagram}`]);

async function gone(): Promise<string> {
  const { address, close } = await openUdp();
  await close();
  return address;
}

describe('a datagram for a udp backend that is gone', () => {
  it.each([
    ['that nobody listens', 'connect-refused', gone],
    ['that it cannot be reached', 'connect-failed', forbidden],
  ])('goes to another one when the system says %s', async (_what, reason, dead) => {
    const here = await named('here');
    const lb = await runFairlead(configFor([await dead(), here.address, await dead()]));
    const clients = await Promise.all(Array.from({ length: 12 }, () => openUdp()));
    for (const client of clients) client.send(lb.address('dns'), '1');
    for (const client of clients) expect(await client.until(1)).toEqual(['here 1']);
    expect(here.got).toHaveLength(12);
    const failures = await metric(lb, 'backend_failures_total', { reason });
    expect(failures).toBeGreaterThan(0);
    expect(await metric(lb, 'retries_total', { pool: 'dns', reason })).toBe(failures);
    expect(await metric(lb, 'refusals_total')).toBe(0);
  });

  it('goes there with those that came beside it, in their order', async () => {
    const here = await named('here');
    const lb = await runFairlead(configFor([await gone(), here.address]));
    const clients = await Promise.all([openUdp(), openUdp()]);
    for (const client of clients) client.send(lb.address('dns'), 'A', 'AAAA');
    for (const client of clients) expect(await client.until(2)).toEqual(['here A', 'here AAAA']);
  });

  it('is saved in the middle of a flow too, and nothing that was answered is sent twice', async () => {
    const two = { a: await named('a'), b: await named('b') };
    const lb = await runFairlead(configFor([two.a.address, two.b.address]));
    const client = await openUdp();
    client.send(lb.address('dns'), '1');
    const first = (await client.until(1))[0]![0] as 'a' | 'b';
    const other = first === 'a' ? 'b' : 'a';
    await two[first].close();
    client.send(lb.address('dns'), '2');
    expect(await client.until(2)).toEqual([`${first} 1`, `${other} 2`]);
    expect(two[other].got).toEqual(['2']);
  });

  it('is given up after three, counted by the cause, and the next one begins with the others', async () => {
    const here = await named('here');
    const dead = await Promise.all(Array.from({ length: 4 }, gone));
    const lb = await runFairlead({
      ...configFor(dead),
      pools: { dns: { backends: [...dead, { address: here.address, backup: true }], eject: { failures: 0 } } },
    });
    const client = await openUdp();
    const counts = () =>
      Promise.all(['backend_failures_total', 'retries_total', 'refusals_total'].map((name) => metric(lb, name)));
    client.send(lb.address('dns'), 'lost');
    await eventually(async () => (await counts())[2] === 1, 'the end of its tries');
    expect(await counts()).toEqual([3, 2, 1]);
    client.send(lb.address('dns'), 'now');
    expect(await client.until(1)).toEqual(['here now']);
    expect(await counts()).toEqual([4, 3, 1]);
  });

  it('goes along when its flow leaves a backend that a probe has found to be silent', async () => {
    const silent = await openUdp((datagram) => (String(datagram) === 'ping' && mute.isOff ? ['pong'] : []));
    const mute = { isOff: true };
    const here = await named('here');
    const health = { type: 'udp' as const, send: 'ping', interval: '50ms', timeout: '40ms', fall: 1, rise: 1 };
    const lb = await runFairlead({
      ...configFor([]),
      pools: { dns: { backends: [silent.address, { address: here.address, backup: true }], health } },
    });
    const client = await openUdp();
    let sent = 0;
    const say = () => client.send(lb.address('dns'), `${++sent}`);
    say();
    await eventually(() => silent.got.includes('1'), 'its first datagram');
    mute.isOff = false;
    await eventually(() => {
      say();
      return here.got.some((datagram) => datagram !== 'ping');
    }, 'the move');
    const moved = here.got.filter((datagram) => datagram !== 'ping').map(Number);
    expect(moved.length).toBeGreaterThan(1);
    expect(moved).toEqual(moved.map((_, index) => moved[0]! + index));
    expect(silent.got).toContain(String(moved[0]));
  });
});

describe('a udp flow that gets no answers', () => {
  const sinks = async () => {
    const [a, b] = [await openUdp(), await openUdp()];
    const lb = await runFairlead(configFor([a.address, b.address]));
    const client = await openUdp();
    let said = 0;
    const say = () => {
      client.send(lb.address('dns'), `${++said}`);
      return `${said}`;
    };
    /** Sends the next number, and returns who has got it. */
    const next = async () => {
      const text = say();
      await eventually(() => a.got.includes(text) || b.got.includes(text), `the arrival of ${text}`);
      return a.got.includes(text) ? a : b;
    };
    const on = await next();
    return { lb, say, next, on, off: on === a ? b : a };
  };

  it('loses none when its backend goes, and has nothing sent twice that went long before', async () => {
    const { next, on, off } = await sinks();
    for (const number of [2, 3, 4, 5]) {
      await pause(150);
      expect(await next(), `${number}`).toBe(on);
    }
    await on.close();
    await pause(150);
    expect(await next()).toBe(off);
    expect(off.got).toEqual(['6']);
  });

  it('goes back to a backend that failed it a while ago, when the other one fails', async () => {
    const { say, next, on, off } = await sinks();
    const port = Number(on.address.split(':')[1]);
    await on.close();
    expect(await next()).toBe(off);
    const back = await openUdp(undefined, { port });
    await pause(1100);
    await off.close();
    say();
    expect(await back.until(1)).toEqual(['3']);
  });

  it('leaves a backend that is disabled for one that it has left before', async () => {
    const { lb, next, on, off } = await sinks();
    const set = ({ address }: typeof on, state: string) =>
      askApi(lb, `PATCH /api/pools/dns/backends/${address}`, { state });
    await set(on, 'disabled');
    expect(await next()).toBe(off);
    await set(on, 'enabled');
    await set(off, 'disabled');
    expect(await next()).toBe(on);
  });
});
