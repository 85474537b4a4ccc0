import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type NamedBackend, runLoad, startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { runFairlead } from '../support/running.ts';

afterEach(closeOpened);

async function named(names: readonly string[], delays: Record<string, number> = {}): Promise<NamedBackend[]> {
  return Promise.all(names.map(async (name) => remember(await startNamed(name, { delayMs: delays[name] ?? 0 }))));
}

function config(backends: NamedBackend[], weights: number[], balance: string, workers = 2): ConfigInput {
  return {
    workers,
    listeners: {
      web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' },
      l4: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'web' },
    },
    pools: {
      web: {
        balance,
        backends: backends.map(({ address }, i) => ({ address, weight: weights[i] ?? 1 })),
      },
    },
  } as ConfigInput;
}

describe('round-robin over several workers', () => {
  it('is off by one at most, whichever 10,000 requests over 50 connections are looked at', async () => {
    const lb = await runFairlead(config(await named(['a', 'b', 'c']), [], 'round-robin', 4));
    await runLoad(lb.address(), { connections: 7, requests: 100 });
    const { bodies, errors } = await runLoad(lb.address(), { connections: 50, requests: 10_000 });
    expect(errors.size).toBe(0);
    for (const name of ['a', 'b', 'c']) expect(Math.abs(bodies.get(name)! - 10_000 / 3)).toBeLessThanOrEqual(1);
  });

  it('keeps weights 5:1:1 within half a percent', async () => {
    const lb = await runFairlead(config(await named(['a', 'b', 'c']), [5, 1, 1], 'round-robin'));
    const { bodies } = await runLoad(lb.address(), { connections: 50, requests: 3500 });
    for (const [name, share] of [
      ['a', 5 / 7],
      ['b', 1 / 7],
      ['c', 1 / 7],
    ] as const) {
      expect(Math.abs(bodies.get(name)! / 3500 - share)).toBeLessThan(0.005);
    }
  });

  it('gives L4 connections in turn too, over all workers', async () => {
    const lb = await runFairlead(config(await named(['a', 'b', 'c']), [], 'round-robin', 3));
    const names: string[] = [];
    for (let i = 0; i < 30; i++) {
      const client = await connectTo(lb.address('l4'));
      client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      names.push((await client.ended()).text.slice(-1));
    }
    for (const name of ['a', 'b', 'c']) expect(names.filter((got) => got === name)).toHaveLength(10);
  });
});

describe('least-connections over two workers', () => {
  it('gives a backend that is ten times slower what its speed earns, with a better tail than round-robin', async () => {
    const backends = await named(['slow', 'b', 'c'], { slow: 300, b: 30, c: 30 });
    const run = async (balance: string) => {
      const lb = await runFairlead(config(backends, [], balance));
      return runLoad(lb.address(), { connections: 24, requests: 600 });
    };
    const inTurn = await run('round-robin');
    const byLoad = await run('least-connections');
    expect([...inTurn.errors, ...byLoad.errors]).toEqual([]);
    expect(Math.abs(inTurn.bodies.get('slow')! - 200)).toBeLessThanOrEqual(3);
    // Equal numbers in flight at one tenth of the speed: one part in 21.
    const share = byLoad.bodies.get('slow')! / 600;
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.1);
    const p90 = ({ latencies }: typeof byLoad) => latencies[Math.floor(latencies.length * 0.9)]!;
    expect(p90(byLoad)).toBeLessThan(p90(inTurn));
  });
});

describe('hash', () => {
  it('sends one key to one backend, whichever worker takes it', async () => {
    const input = config(await named(['a', 'b', 'c']), [], 'hash');
    const pool = input.pools!['web']!;
    const lb = await runFairlead({ ...input, pools: { web: { ...pool, balance: { algorithm: 'hash', key: 'uri' } } } });
    const byPath = new Map<string, string>();
    for (let i = 0; i < 12; i++) {
      const path = `/item/${i}`;
      const { bodies } = await runLoad(lb.address(), { connections: 6, requests: 12, path });
      expect(bodies.size).toBe(1);
      byPath.set(path, [...bodies.keys()][0]!);
    }
    expect(new Set(byPath.values()).size).toBeGreaterThan(1);
  });
});
