import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { closeOpened } from '../support/opened.ts';
import { poolOf } from '../support/operator.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

const AT_ONCE = 600;

/** A time of day for slots and cells that rest, moved on by hand. */
function movableClock() {
  const real = Date.now;
  let ahead = 0;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() + ahead);
  onTestFinished(() => clock.mockRestore());
  return {
    moveOn: (ms: number): void => {
      ahead += ms;
    },
  };
}

/** Sends each of so many backends of a round-robin pool one request. */
async function askAll(lb: RunningFairlead): Promise<void> {
  const client = await connectTo(lb.address());
  for (let n = 0; n < AT_ONCE; n++) expect((await client.send(get('/')).answer()).body).toBe('ok');
  client.close();
}

describe('backends that come and go', () => {
  it('are each counted by themselves, however many there were before them', async () => {
    const { address } = await startBackend(answerText('ok'));
    const clock = movableClock();
    const configOf = (round: string): ConfigInput => ({
      ...webConfig(Array.from({ length: AT_ONCE }, (_, n) => ({ name: `${round}${n}`, address }))),
      admin: { bind: '127.0.0.1:0' },
    });
    const lb = await runFairlead(configOf('a'));
    for (const round of ['a', 'b', 'c', 'd', 'a']) {
      await lb.reloadWith(configOf(round));
      await askAll(lb);
      await eventually(async () => {
        const { backends } = await poolOf(lb, 'web');
        return backends.every(({ total, latencyMs }) => total === 1 && latencyMs.p50 !== null);
      }, `one request for each backend of round ${round}`);
      clock.moveOn(61_000);
      // A minute after others have left, this is the change with which their cells are given up.
      await lb.reloadWith(configOf(round));
    }
    expect(await metric(lb, 'backend_picks_total', { backend: 'other' })).toBe(0);
    expect(await metric(lb, 'backend_picks_total', { pool: 'web' })).toBe(AT_ONCE);
    expect(await metric(lb, 'requests_total', { code: '200' })).toBe(AT_ONCE);
    expect(await metric(lb, 'request_duration_seconds_count')).toBe(5 * AT_ONCE);
  });

  it('keep their counts when they are back within a minute', async () => {
    const { address } = await startBackend(answerText('ok'));
    const clock = movableClock();
    const configOf = (...names: string[]): ConfigInput => ({
      ...webConfig(names.map((name) => ({ name, address }))),
      admin: { bind: '127.0.0.1:0' },
    });
    const lb = await runFairlead(configOf('a', 'b'));
    const picks = () => metric(lb, 'backend_picks_total', { backend: 'a' });
    const client = await connectTo(lb.address());
    for (let n = 0; n < 4; n++) await client.send(get('/')).answer();
    await lb.reloadWith(configOf('b'));
    clock.moveOn(59_000);
    await lb.reloadWith(configOf('b'));
    expect(await picks()).toBe(2);
    await lb.reloadWith(configOf('a', 'b'));
    expect(await picks()).toBe(2);
    await lb.reloadWith(configOf('b'));
    clock.moveOn(61_000);
    await lb.reloadWith(configOf('b'));
    expect(await picks()).toBe(0);
    client.close();
  });
});
