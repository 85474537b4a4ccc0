import { afterEach, describe, expect, it } from 'vitest';
import { fieldOf } from '../support/http-text.ts';
import { runLoad } from '../support/load.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

const admin = { bind: '127.0.0.1:0' } as const;

async function start(rateLimit: object, more: { workers?: number; respond?: object; answer?: () => string } = {}) {
  const { workers = 1, respond, answer } = more;
  const backend = await startBackend(answer);
  const action = respond === undefined ? { pool: 'web' } : { respond };
  const routes = [{ name: 'app', rateLimit, ...action }] as never;
  const config = { ...webConfig([backend.address], { routes }), workers, admin };
  return { backend, config, lb: await runFairlead(config) };
}

async function statuses(lb: RunningFairlead, count: number, ...fields: string[]): Promise<number[]> {
  const client = await connectTo(lb.address());
  const found: number[] = [];
  for (let i = 0; i < count; i++) found.push((await client.send(get('/', ...fields)).answer()).status);
  return found;
}

describe('the rate limit of a route', () => {
  it('answers 429 beyond the burst, says when to come again, and keeps the connection', async () => {
    const { backend, lb } = await start({ rate: '1/h', burst: 2 });
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) expect((await client.send(get()).answer()).status).toBe(200);
    const answer = await client.send(get()).answer();
    expect([answer.status, answer.body, fieldOf(answer, 'fairlead-error')]).toEqual([
      429,
      'too many requests\n',
      'rate-limited',
    ]);
    const seconds = Number(fieldOf(answer, 'retry-after'));
    expect(seconds).toBeGreaterThan(3000);
    expect(seconds).toBeLessThanOrEqual(3600);
    expect((await client.send(get()).answer()).status).toBe(429);
    expect(backend.requests).toHaveLength(2);
    expect(await metric(lb, 'refusals_total', { reason: 'rate-limited' })).toBe(2);
  });

  it('holds for routes that answer by themselves, and over reloads', async () => {
    const { lb, config } = await start({ rate: '1/h', burst: 1 }, { respond: { status: 204 } });
    expect(await statuses(lb, 2)).toEqual([204, 429]);
    await lb.reloadWith(config);
    expect(await statuses(lb, 1)).toEqual([429]);
  });

  it.each([
    ['header:X-Key', 'X-Key: '],
    ['cookie:id', 'Cookie: a=b; id='],
  ])('by %s counts each value apart, and requests without it by source', async (by, field) => {
    const { lb } = await start({ rate: '1/h', burst: 1, by });
    expect(await statuses(lb, 2, `${field}one`)).toEqual([200, 429]);
    expect(await statuses(lb, 2, `${field}two`)).toEqual([200, 429]);
    expect(await statuses(lb, 2)).toEqual([200, 429]);
    expect(await statuses(lb, 1, `${field}127.0.0.1`)).toEqual([200]);
    expect(await statuses(lb, 1, `${field}${'x'.repeat(300)}`)).toEqual([429]);
  });

  it('lets exactly the burst through on four workers', async () => {
    const { backend, lb } = await start({ rate: '1/h', burst: 200 }, { workers: 4 });
    const all = await Promise.all(Array.from({ length: 16 }, () => statuses(lb, 25)));
    expect(all.flat().filter((status) => status === 200)).toHaveLength(200);
    expect(all.flat().filter((status) => status === 429)).toHaveLength(200);
    expect(backend.requests).toHaveLength(200);
  });

  it('lets through what it says over time, within 2 % on four workers', async () => {
    const cameAt: number[] = [];
    const answer = (): string => {
      cameAt.push(performance.now());
      return answerText('ok');
    };
    const { lb } = await start({ rate: '100/s', burst: 100 }, { workers: 4, answer });
    const end = performance.now() + 3000;
    const { statuses: came } = await runLoad(lb.address(), { connections: 16, until: () => performance.now() > end });
    expect([...came.keys()].sort()).toEqual([200, 429]);
    expect(came.get(200)).toBe(cameAt.length);
    const due = 100 + 0.1 * (cameAt.at(-1)! - cameAt[0]!);
    expect(Math.abs(cameAt.length / due - 1)).toBeLessThan(0.02);
  });
});
