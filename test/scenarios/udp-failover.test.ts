import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { closeOpened } from '../support/opened.ts';
import { runFairlead } from '../support/running.ts';
import { eventually, metric } from '../support/scrape.ts';
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
    const refused = () => metric(lb, 'refusals_total', { reason: 'connect-refused' });
    client.send(lb.address('dns'), 'lost');
    await eventually(async () => (await refused()) === 1, 'the end of its tries');
    expect(await metric(lb, 'backend_failures_total', { reason: 'connect-refused' })).toBe(3);
    client.send(lb.address('dns'), 'also');
    await eventually(async () => (await refused()) === 2, 'the end of its tries');
    expect(await metric(lb, 'backend_failures_total', { reason: 'connect-refused' })).toBe(4);
    client.send(lb.address('dns'), 'now');
    expect(await client.until(1)).toEqual(['here now']);
  });
});
