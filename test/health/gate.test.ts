import { describe, expect, test } from 'vitest';
import { Gate, type Job } from '../../src/health/gate.ts';
import { FakeClock } from '../support/fake-clock.ts';

function jobs() {
  const started: string[] = [];
  const running = new Map<string, () => void>();
  const job = (name: string): Job => {
    return () => {
      started.push(name);
      return new Promise((resolve) => running.set(name, resolve));
    };
  };
  const finish = async (name: string) => {
    running.get(name)!();
    await new FakeClock().advance(0);
  };
  return { started, job, finish };
}

describe('Gate', () => {
  test('runs up to its limit at once and the others in their order', async () => {
    const { started, job, finish } = jobs();
    const gate = new Gate(2);
    for (const name of ['a', 'b', 'c', 'd']) gate.enter(job(name), false);
    expect(started).toEqual(['a', 'b']);
    await finish('b');
    expect(started).toEqual(['a', 'b', 'c']);
    await finish('a');
    await finish('c');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  test('the urgent go first, in their own order, and a waiting job can become urgent', async () => {
    const { started, job, finish } = jobs();
    const gate = new Gate(1);
    const d = job('d');
    for (const name of ['a', 'b']) gate.enter(job(name), false);
    gate.enter(job('c'), true);
    gate.enter(d, false);
    gate.enter(d, true);
    gate.enter(d, false);
    for (const name of ['a', 'c', 'd', 'b']) await finish(name);
    expect(started).toEqual(['a', 'c', 'd', 'b']);
  });

  test('a job that waits is queued once and can be withdrawn; a running one is left alone', async () => {
    const { started, job, finish } = jobs();
    const gate = new Gate(1);
    const [a, b, c, d] = [job('a'), job('b'), job('c'), job('d')];
    for (const each of [a, b, b, c]) gate.enter(each, false);
    gate.enter(d, true);
    for (const each of [a, c, d]) gate.leave(each);
    await finish('a');
    expect(started).toEqual(['a', 'b']);
    await finish('b');
    expect(started).toEqual(['a', 'b']);
  });

  test('a job may come back while it still runs, and takes a second place', async () => {
    const { started, job, finish } = jobs();
    const gate = new Gate(2);
    const a = job('a');
    gate.enter(a, false);
    gate.enter(a, false);
    gate.enter(job('b'), false);
    expect(started).toEqual(['a', 'a']);
    await finish('a');
    expect(started).toEqual(['a', 'a', 'b']);
  });
});
