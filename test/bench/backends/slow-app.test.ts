import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { slowApp } from '../../../bench/backends/slow-app.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

async function settleIo(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('slowApp', () => {
  it('answers every path with its name, in the body and in a header', async () => {
    const app = slowApp('app-7', { slots: 1, serviceMs: 20 });
    const answer = app.inject({ method: 'GET', url: '/any/path?x=1' });
    await settleIo();
    await vi.advanceTimersByTimeAsync(20);
    expect((await answer).statusCode).toBe(200);
    expect((await answer).body).toBe('app-7');
    expect((await answer).headers['x-backend']).toBe('app-7');
  });

  it('has no answer before the service time, and queues what exceeds its slots', async () => {
    const app = slowApp('app', { slots: 2, serviceMs: 20 });
    await app.ready();
    const finished: number[] = [];
    for (let i = 0; i < 5; i++) void app.inject({ url: '/' }).then(() => finished.push(i));
    await settleIo();
    const seen: number[] = [];
    for (const step of [19, 1, 19, 1, 20]) {
      await vi.advanceTimersByTimeAsync(step);
      await settleIo();
      seen.push(finished.length);
    }
    expect(seen).toEqual([0, 2, 2, 4, 5]);
    expect(finished).toEqual([0, 1, 2, 3, 4]);
  });
});
