import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  cpuBetween,
  cpuUsed,
  descendants,
  joinCpuTime,
  parseSchedstat,
  parseStat,
  parseStatusKb,
  processTree,
  readCpu,
  readResidentBytes,
} from '../../../bench/lib/cpu-time.ts';

const STAT = 'S 4000 4242 4242 0 -1 4194560 5310 0 2 0 731 264 11 12 20 0 7 0 104 1234 567';

describe('parseStat', () => {
  it.each(['nginx', 'a b', 'tricky) R 1 2', '(sd-pam)'])('finds the fields behind the name %o', (name) => {
    expect(parseStat(`4242 (${name}) ${STAT}\n`)).toEqual({ parentPid: 4000, userTicks: 731, systemTicks: 264 });
  });
});

describe('parseSchedstat', () => {
  it.each([
    ['391553000 384262 3\n', 391_553_000],
    ['0 0 0\n', undefined],
    ['', undefined],
    ['none', undefined],
  ])('reads %o', (text, expected) => expect(parseSchedstat(text)).toBe(expected));
});

describe('parseStatusKb', () => {
  const status = 'Name:\tnode\nVmHWM:\t   60000 kB\nVmRSS:\t   54321 kB\nRssAnon:\t 1 kB\n';
  it.each([
    ['VmRSS', 54_321],
    ['VmHWM', 60_000],
    ['VmSwap', 0],
  ])('reads %s', (name, kb) => expect(parseStatusKb(status, name)).toBe(kb));
});

describe('descendants', () => {
  it('follows children and their children, and nobody else', () => {
    const parents = new Map([
      [2, 1],
      [3, 2],
      [4, 2],
      [5, 4],
      [6, 1],
      [7, 6],
    ]);
    expect(descendants(2, parents).sort()).toEqual([2, 3, 4, 5]);
    expect(descendants(7, parents)).toEqual([7]);
    expect(descendants(99, parents)).toEqual([99]);
  });
});

describe('joinCpuTime', () => {
  it('takes the total of the scheduler and the split of the ticks', () => {
    expect(joinCpuTime({ userMs: 100, systemMs: 300 }, 404)).toEqual({ userMs: 101, systemMs: 303 });
  });

  it.each([
    ['the kernel keeps none', undefined],
    ['a thread ended and took its time along', 350],
  ])('takes the ticks when %s', (_why, onCoreMs) => {
    expect(joinCpuTime({ userMs: 100, systemMs: 300 }, onCoreMs)).toEqual({ userMs: 100, systemMs: 300 });
  });

  it('trusts the scheduler within the ticks’ own error, and when there was no tick', () => {
    expect(joinCpuTime({ userMs: 10, systemMs: 0 }, 1)).toEqual({ userMs: 1, systemMs: 0 });
    expect(joinCpuTime({ userMs: 0, systemMs: 0 }, 7)).toEqual({ userMs: 0, systemMs: 0 });
    expect(joinCpuTime({ userMs: 1000, systemMs: 0 }, 961).userMs).toBe(961);
    expect(joinCpuTime({ userMs: 1000, systemMs: 0 }, 959).userMs).toBe(1000);
  });

  it('keeps the total and never changes who used more', () => {
    const ms = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(ms, ms, fc.double({ min: 1, max: 1.2, noNaN: true }), (userMs, systemMs, factor) => {
        const joined = joinCpuTime({ userMs, systemMs }, (userMs + systemMs) * factor);
        expect(joined.userMs + joined.systemMs).toBeCloseTo((userMs + systemMs) * factor, 6);
        expect(Math.sign(joined.userMs - joined.systemMs)).toBe(Math.sign(userMs - systemMs));
      }),
    );
  });
});

describe('differences', () => {
  it('subtracts, and a tree that lost a process is not negative', () => {
    const before = { userMs: 50, systemMs: 80 };
    expect(cpuBetween(before, { userMs: 70, systemMs: 81 })).toEqual({ userMs: 20, systemMs: 1 });
    expect(cpuBetween(before, { userMs: 10, systemMs: 100 })).toEqual({ userMs: 0, systemMs: 20 });
  });

  it('splits the window, not the whole life', () => {
    const before = { stat: { userMs: 1000, systemMs: 0 }, onCoreMs: 1005 };
    const after = { stat: { userMs: 1000, systemMs: 200 }, onCoreMs: 1207 };
    expect(cpuUsed(before, after)).toEqual({ userMs: 0, systemMs: 202 });
    expect(cpuUsed({ ...before, onCoreMs: undefined }, after)).toEqual({ userMs: 0, systemMs: 200 });
  });
});

describe.skipIf(process.platform !== 'linux')('on this machine', () => {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  it('counts the time of threads and of child processes', async () => {
    const burn = 'const until = process.cpuUsage().user + 150_000; while (process.cpuUsage().user < until);';
    const script = `
      const { Worker } = require('node:worker_threads');
      const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(`${burn} setInterval(() => {}, 1e6)`)}]);
      new Worker(${JSON.stringify(`${burn} setInterval(() => {}, 1e6)`)}, { eval: true });
      process.on('SIGTERM', () => { child.kill(); process.exit(); });
      console.log('up', child.pid);`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child);
    const [line] = await once(child.stdout!, 'data');
    const grandchild = Number(String(line).split(' ')[1]);
    const before = readCpu(child.pid!);
    expect(processTree(child.pid!)).toEqual([child.pid, grandchild]);
    await expect.poll(() => cpuUsed(before, readCpu(child.pid!)).userMs, { timeout: 15_000 }).toBeGreaterThan(200);
    const { stat, onCoreMs } = readCpu(child.pid!);
    expect(onCoreMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan((stat.userMs + stat.systemMs) * 0.95 - 20);
    expect(readResidentBytes(child.pid!)).toBeGreaterThan(readResidentBytes(grandchild) + 10_000_000);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    expect(readResidentBytes(child.pid!)).toBe(0);
    expect(readCpu(child.pid!)).toEqual({ stat: { userMs: 0, systemMs: 0 }, onCoreMs: undefined });
  });
});
