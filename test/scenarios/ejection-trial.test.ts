import { afterAll, expect, it } from 'vitest';
import { runLoad } from '../support/load.ts';
import { closeOpened } from '../support/opened.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { eventually, metric } from '../support/scrape.ts';

afterAll(closeOpened);

it('an ejected backend gets single requests until one of them is answered well', async () => {
  let works = false;
  const odd = await startBackend(() => (works ? answerText('ok') : answerText('no', '503 Busy')));
  const well = await startBackend();
  const pool = { eject: { failures: 3, for: '200ms' } };
  const lb = await runFairlead({
    ...webConfig([odd.address, well.address], {}, pool),
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
  });
  const up = (): Promise<number> => metric(lb, 'backend_up', { backend: odd.address });
  const load = (requests: number) => runLoad(lb.address(), { connections: 8, requests });
  await load(40);
  await eventually(async () => (await up()) === 0, 'the ejection');
  for (let trial = 0; trial < 2; trial++) {
    const before = odd.requests.length;
    await eventually(async () => {
      await load(20);
      return odd.requests.length > before;
    }, 'a trial');
    expect(odd.requests.length).toBe(before + 1);
    expect(await up()).toBe(0);
  }
  works = true;
  await eventually(async () => {
    expect((await load(20)).statuses).toEqual(new Map([[200, 20]]));
    return (await up()) === 1;
  }, 'the end of the ejection');
  const before = odd.requests.length;
  await load(40);
  expect(odd.requests.length).toBe(before + 20);
});
