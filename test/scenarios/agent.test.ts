import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLoad, startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterAll(closeOpened);

describe('the agent beside a backend', () => {
  let lb: RunningFairlead;
  /** What the agent says from now on. */
  let says = 'ready up 100%\n';
  const heard: string[] = [];
  let config: ReturnType<typeof webConfig>;

  beforeAll(async () => {
    const [a, b] = await Promise.all(['a', 'b'].map(async (name) => remember(await startNamed(name))));
    const agent = await startPeer((socket) => {
      socket.once('data', (asked) => {
        heard.push(String(asked));
        socket.end(says);
      });
    });
    const port = Number(agent.address.split(':')[1]);
    // One agent for both, since they are on one host.
    const health = { type: 'off', agent: { port, interval: '20ms', send: 'web\\n' } } as const;
    const only = (address: string, name: string) => ({ address, name });
    config = {
      ...webConfig([only(a!.address, 'a'), only(b!.address, 'b')], {}, { health }),
      admin: { bind: '127.0.0.1:0' },
      log: { level: 'warn' },
    };
    lb = await runFairlead(config);
  });

  const stateOf = async (name: string) => {
    const response = await fetch(`http://${lb.adminAddresses[0]}/api/pools/web`);
    const { backends } = (await response.json()) as { backends: { id: string; [key: string]: unknown }[] };
    return backends.find(({ id }) => id === name)!;
  };

  /** Both backends are asked for, each at times of its own. */
  async function say(line: string, field: string, value: unknown): Promise<void> {
    says = line;
    for (const name of ['a', 'b'])
      await eventually(async () => (await stateOf(name))[field] === value, `${field} ${value} of ${name}`);
  }

  it('is sent what the config says, before the listeners open', async () => {
    expect(heard[0]).toBe('web\n');
    expect((await runLoad(lb.address(), { connections: 2, requests: 20 })).bodies.get('a')).toBe(10);
  });

  it('drains it, takes it out, and puts it to work again', async () => {
    await say('drain\n', 'state', 'draining');
    const drained = await fetch(`http://${lb.address()}/`);
    expect(drained.status).toBe(503);
    await say('maint\r\n', 'state', 'disabled');
    await say('up ready\n', 'state', 'enabled');
    expect((await fetch(`http://${lb.address()}/`)).status).toBe(200);
  });

  it('takes it down with a reason, and only it brings it up again', async () => {
    await say('down # the disk is full\n', 'health', 'down');
    expect((await stateOf('a'))['healthReason']).toBe('the agent says down: the disk is full');
    expect(await metric(lb, 'backend_up', { backend: 'a' })).toBe(0);
    says = '50%\n';
    await eventually(() => heard.length > 3, 'another answer');
    expect((await stateOf('a'))['health']).toBe('down');
    await say('up 100%', 'health', 'up');
    await say('25%', 'effectiveWeight', 0.25);
    expect((await stateOf('a'))['weight']).toBe(1);
    await say('100%', 'effectiveWeight', 1);
  });

  it('limits its leases, also after a reload, until it takes that back', async () => {
    says = 'maxconn:1\n';
    const slow = async (): Promise<number> =>
      Math.max(...(await Promise.all([1, 2, 3, 4].map(() => fetch(`http://${lb.address()}/`)))).map((r) => r.status));
    await eventually(async () => (await slow()) === 503, 'a refusal');
    await lb.reloadWith(config);
    await eventually(async () => (await slow()) === 503, 'a refusal');
    says = 'maxconn:0\n';
    await eventually(async () => (await slow()) === 200, 'no refusal');
  });

  it('changes nothing by what cannot be understood, and is complained of once', async () => {
    const before = heard.length;
    says = 'HTTP/1.1 200 OK\r\n';
    await eventually(() => heard.length > before + 8, 'many bad answers');
    expect(await stateOf('a')).toMatchObject({ state: 'enabled', health: 'up' });
    const complaints = lb.logLines.filter((line) => line.includes('the agent of a backend'));
    expect(complaints).toHaveLength(2);
    expect(complaints[0]).toContain('has a word that is not known');
  });

  it('is forgotten with all that it said when the config does without it', async () => {
    await say('down maint\n', 'health', 'down');
    const { listeners, pools } = config;
    await lb.reloadWith({
      ...config,
      listeners,
      pools: { web: { ...pools!['web'], health: { type: 'off' } } } as never,
    });
    expect(await stateOf('a')).toMatchObject({ state: 'enabled', health: 'up', healthReason: 'health checks are off' });
  });
});
