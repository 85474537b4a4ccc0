import { afterAll, expect, it } from 'vitest';
import { runLoad, startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { runFairlead, webConfig } from '../support/running.ts';

afterAll(closeOpened);

it('a backend that a reload adds begins with a tenth of its weight, over all workers', async () => {
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(async (name) => remember(await startNamed(name))));
  const config = (...backends: string[]) => ({ ...webConfig(backends, {}, { slowStart: '1h' }), workers: 2 });
  const lb = await runFairlead(config(a!.address, b!.address));
  const counts = async () => (await runLoad(lb.address(), { connections: 8, requests: 420 })).bodies;
  const before = await counts();
  expect([before.get('a'), before.get('b')]).toEqual([210, 210]);
  await lb.reloadWith(config(a!.address, b!.address, c!.address));
  const after = await counts();
  expect(Math.abs(after.get('c')! - 20)).toBeLessThanOrEqual(3);
  expect(Math.abs(after.get('a')! - after.get('b')!)).toBeLessThanOrEqual(3);
  const weights = lb.source.pool('web')!.backends.map(({ weight, effectiveWeight }) => [weight, effectiveWeight]);
  expect(weights).toEqual([
    [1, 1],
    [1, 1],
    [1, 0.1],
  ]);
});
