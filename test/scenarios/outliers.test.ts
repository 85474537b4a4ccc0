import { afterAll, expect, it } from 'vitest';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, type RecordedConnection, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterAll(closeOpened);

it.each([
  ['answers every second request with an error', { failureRate: '50%' }],
  ['is many times slower than the other', { latency: 5 }],
])('a backend that %s is ejected', { timeout: 60_000 }, async (_name, limits) => {
  const slow = 'latency' in limits;
  let turn = 0;
  const odd = await startBackend((_request, { socket }: RecordedConnection) => {
    if (!slow) return turn++ % 2 === 0 ? answerText('no', '503 Busy') : answerText('ok');
    setTimeout(() => socket.write(answerText('late')), 100);
    return undefined;
  });
  const well = await startBackend();
  const pool = { eject: { failures: 0, for: '10m', ...limits } };
  const lb = await runFairlead({
    ...webConfig([odd.address, well.address], {}, pool),
    admin: { bind: '127.0.0.1:0' },
  });
  const clients = await Promise.all(Array.from({ length: 8 }, () => connectTo(lb.address())));
  const up = (): Promise<number> => metric(lb, 'backend_up', { backend: odd.address });
  expect(await up()).toBe(1);
  const until = performance.now() + 40_000;
  while ((await up()) === 1 && performance.now() < until) {
    await Promise.all(clients.map((client) => client.send(get()).answer()));
  }
  expect([await up(), await metric(lb, 'backend_up', { backend: well.address })]).toEqual([0, 1]);
});
