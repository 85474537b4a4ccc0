import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { closeOpened } from '../support/opened.ts';
import { askApi, backendOf } from '../support/operator.ts';
import { eventually } from '../support/patience.ts';
import { runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

type Names = readonly ('a' | 'b')[];

/** A flow on one of two backends, of which each answers with its name until it falls silent. */
async function startFlow(pool: object = {}) {
  const silent = new Set<string>();
  const opened = await Promise.all(
    ['a', 'b'].map((name) => openUdp((datagram) => (silent.has(name) ? [] : [`${name}${datagram}`]))),
  );
  const backends = ['a', 'b'].map((name, index) => ({ name, address: opened[index]!.address }));
  const configFor = (names: Names, over: Partial<ConfigInput> = {}): ConfigInput => ({
    admin: { bind: '127.0.0.1:0' },
    listeners: { dns: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'dns' } },
    pools: { dns: { backends: backends.filter(({ name }) => names.includes(name as 'a')), ...pool } },
    ...over,
  });
  const lb = await runFairlead(configFor(['a', 'b']));
  const client = await openUdp();
  const say = (text: string): void => client.send(lb.address('dns'), text);
  say('1');
  const first = (await client.until(1))[0]![0] as 'a' | 'b';
  const other = first === 'a' ? ('b' as const) : ('a' as const);
  /** Which backend answers to the next datagram. */
  const next = async (): Promise<string> => {
    say('2');
    return (await client.until(client.got.length + 1)).at(-1)![0]!;
  };
  /** The first of them sends a datagram that was not asked for. */
  const push = (text: string): void => {
    const backend = opened[first === 'a' ? 0 : 1]!;
    backend.send(backend.from.at(-1)!, text);
  };
  const active = async (): Promise<(number | undefined)[]> =>
    Promise.all([first, other].map(async (name) => (await backendOf(lb, 'dns', name))?.active));
  const setState = (name: string, state: string) => askApi(lb, `PATCH /api/pools/dns/backends/${name}`, { state });
  return { lb, client, next, push, active, setState, configFor, first, other, silent };
}

const probed = { health: { type: 'udp', send: 'ping', interval: '50ms', timeout: '40ms', fall: 2, rise: 1 } };

describe('a udp flow', () => {
  it('moves, lease and all, when a probe finds that its backend is silent, and stays where it is then', async () => {
    const on = await startFlow(probed);
    on.silent.add(on.first);
    await eventually(async () => (await backendOf(on.lb, 'dns', on.first))?.health === 'down', 'the probe');
    expect(await on.next()).toBe(on.other);
    expect(await on.active()).toEqual([0, 1]);
    on.silent.clear();
    await eventually(async () => (await backendOf(on.lb, 'dns', on.first))?.health === 'up', 'the probe');
    expect(await on.next()).toBe(on.other);
    expect(await metric(on.lb, 'connections_total', { listener: 'dns' })).toBe(1);
  });

  it('stays when there is no other backend, and moves once there is', async () => {
    const on = await startFlow();
    await on.setState(on.other, 'disabled');
    await on.setState(on.first, 'disabled');
    expect(await on.next()).toBe(on.first);
    expect(await on.active()).toEqual([1, 0]);
    await on.setState(on.other, 'enabled');
    expect(await on.next()).toBe(on.other);
    expect(await on.active()).toEqual([0, 1]);
  });

  it('is tried again on its only backend with the next datagram after a refusal', async () => {
    const gone = await openUdp();
    await gone.close();
    const port = Number(gone.address.split(':')[1]);
    const lb = await runFairlead({
      admin: { bind: '127.0.0.1:0' },
      listeners: { dns: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'dns' } },
      pools: { dns: { backends: [gone.address] } },
    });
    const client = await openUdp();
    const failures = () => metric(lb, 'backend_failures_total', { pool: 'dns' });
    for (const count of [1, 2, 3]) {
      client.send(lb.address('dns'), 'lost');
      await eventually(async () => (await failures()) === count, 'the refusal');
    }
    await openUdp((datagram) => [`here ${datagram}`], { port });
    client.send(lb.address('dns'), 'now');
    expect(await client.until(1)).toEqual(['here now']);
  });

  it('hears no more of the backend that it has left', async () => {
    const on = await startFlow();
    on.push('in time');
    await on.client.until(2);
    await on.setState(on.first, 'disabled');
    expect(await on.next()).toBe(on.other);
    on.push('late');
    for (let i = 0; i < 3; i++) await on.next();
    expect(on.client.got).not.toContain('late');
  });

  it('moves when a reload takes its backend out of its pool', async () => {
    const on = await startFlow();
    await on.lb.reloadWith(on.configFor([on.other]));
    expect(await on.next()).toBe(on.other);
  });

  it("goes to its listener's pool when a reload takes its own away", async () => {
    const on = await startFlow();
    const { pools } = on.configFor([on.other]);
    await on.lb.reloadWith(
      on.configFor([], {
        listeners: { dns: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'more' } },
        pools: { more: pools!.dns! },
      }),
    );
    expect(await on.next()).toBe(on.other);
    expect(await metric(on.lb, 'backend_active', { pool: 'more' })).toBe(1);
  });

  it('stays on a backend that drains', async () => {
    const on = await startFlow();
    await on.setState(on.first, 'draining');
    expect(await on.next()).toBe(on.first);
  });
});
