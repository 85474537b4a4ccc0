import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { listenToEvents, ofKind } from '../support/event-client.ts';
import { startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { runFairlead } from '../support/running.ts';

afterEach(closeOpened);

const long = { timeout: 10_000 };

describe('the events of an instance', () => {
  it('tell of health, reloads, workers and its end, in order', async () => {
    const [a, b] = [await startNamed('a'), remember(await startNamed('b'))];
    const config: ConfigInput = {
      admin: { bind: '127.0.0.1:0' },
      listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' } },
      pools: { web: { backends: [a.address, b.address], health: { interval: '100ms', fall: 1, rise: 1 } } },
    };
    const lb = await runFairlead(config);
    const { heard } = listenToEvents(lb.adminAddresses[0]!);
    const kinds = () => heard.map(({ kind }) => kind);
    await expect.poll(kinds, long).toEqual(['health', 'health', 'instance']);
    await a.close();
    const healthOfA = () => ofKind(heard, 'health').filter(({ backend }) => backend === a.address);
    await expect.poll(() => healthOfA().length, long).toBe(2);
    expect(healthOfA()).toMatchObject([
      { from: 'unknown', to: 'up' },
      { pool: 'web', from: 'up', to: 'down' },
    ]);
    await lb.reloadWith({ ...config, limits: { connections: 7 } });
    await lb.reloadWith({ ...config, workers: 2 }).catch(() => undefined);
    await expect
      .poll(() => ofKind(heard, 'reload'), long)
      .toMatchObject([
        { result: 'applied', generation: 2, problems: [] },
        { result: 'refused', generation: 2, problems: ['workers cannot change without a restart'] },
      ]);
    await lb.crashWorker(0);
    await expect
      .poll(() => ofKind(heard, 'worker'), long)
      .toMatchObject([
        { worker: 0, to: 'died' },
        { worker: 0, to: 'replaced' },
      ]);
    await lb.drain();
    await expect.poll(() => ofKind(heard, 'instance'), long).toMatchObject([{ to: 'open' }, { to: 'draining' }]);
    expect(heard.map(({ at }) => at)).toEqual(heard.map(({ at }) => at).toSorted());
  });
});
