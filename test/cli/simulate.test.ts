import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/simulate.ts';
import type { Simulation } from '../../src/cli/simulation-text.ts';
import { fakeIo } from './fake-io.ts';

const config = `
listeners: { web: { protocol: http, bind: ":8080", pool: web } }
pools:
  web:
    balance: least-connections
    backends: [{ name: big, address: "127.0.0.1:3001", weight: 3 }, "127.0.0.1:3002", { address: "127.0.0.1:3003", backup: true }]
  other: { backends: [ { address: "127.0.0.1:3001", maxConnections: 1 } ] }
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-simulate-'));
  await writeFile(join(folder, 'fairlead.yaml'), config);
  await writeFile(join(folder, 'bad.yaml'), 'listeners: {}');
});
afterAll(() => rm(folder, { recursive: true }));

async function run(...args: string[]) {
  const io = fakeIo({ cwd: folder });
  const code = await main([...args, '--requests', '2000'], io);
  return { code, stdout: io.stdout.text(), stderr: io.stderr.text() };
}

async function played(...args: string[]): Promise<Simulation> {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Simulation;
}

describe('fairlead simulate', () => {
  it('shows what each algorithm makes of three backends, the same each time', async () => {
    const first = await run();
    expect(first).toEqual(await run());
    expect(first.stdout).toMatch(
      /^3 backends, 840 requests a second \(70\.0 % of what they can do\), 2000 in all, seed 1\n/,
    );
    expect(first.stdout).toMatch(/^ALGORITHM +P50 +P99 +FAILED +REFUSED +b1 +b2 +b3$/m);
    expect(first.stdout).toMatch(/^round-robin +\d+\.\d ms +\d+\.\d ms +0 +0 +33\.4 % +33\.[34] % +33\.[34] %$/m);
    expect(first.stdout).toMatch(/^maglev /m);
    expect((await run('--seed', '2')).stdout).not.toBe(first.stdout.replace('seed 1', 'seed 2'));
  });

  it('plays the backends as they are told of', async () => {
    const { backends, results, perSecond } = await played(
      '-b',
      '2x20ms',
      '-b',
      '200ms,slots=4,weight=2',
      '--rate',
      '300/s',
    );
    expect(backends.map(({ serviceMs, slots, weight }) => [serviceMs, slots, weight ?? 1])).toEqual([
      [20, 8, 1],
      [20, 8, 1],
      [200, 4, 2],
    ]);
    expect(perSecond).toBeCloseTo(300);
    const shareOf = (name: string) => results.find(({ algorithm }) => algorithm === name)!.shares[2]!;
    expect(shareOf('round-robin')).toBeCloseTo(0.5, 2);
    expect(shareOf('peak-ewma')).toBeLessThan(0.3);
  });

  it('lets those fail that do', async () => {
    const { results } = await played('-b', '2x20ms', '-b', '20ms,fails', '--algorithm', 'round-robin');
    expect(results.map(({ algorithm, failed }) => [algorithm, Math.round(failed / 10)])).toEqual([['round-robin', 67]]);
  });

  it('plays the pool of a config, and marks its algorithm', async () => {
    const { stdout } = await run('--pool', 'web');
    expect(stdout).toMatch(/^ALGORITHM .* big +127\.0\.0\.1:3002 +127\.0\.0\.1:3003$/m);
    expect(stdout).toMatch(/^round-robin .* 75\.0 % +25\.0 % +0\.0 %$/m);
    expect(stdout).toMatch(/^least-connections \* /m);
    const { results } = await played(join(folder, 'fairlead.yaml'), '--pool', 'other', '--algorithm', 'random');
    expect(results[0]!.refused).toBeGreaterThan(1000);
  });

  it('shows the span of the shares where there are many backends', async () => {
    expect((await run('-b', '40x20ms')).stdout).toMatch(/^round-robin .* 2\.5 % to 2\.5 %$/m);
  });

  it.each([
    [['--pool', 'wbe'], "there is no pool 'wbe'; did you mean 'web'?"],
    [['@@/fairlead.yaml'], 'which pool? --pool takes one of web, other'],
    [['-b', 'fast'], "--backend 'fast' does not begin with a time, expected one such as 20ms or 3x20ms,slots=4"],
    [['-b', '20ms,slot=3'], "--backend '20ms,slot=3': 'slot=3' is none of slots=N, weight=N, fails"],
    [['-b', '20ms,slots=0'], "--backend '20ms,slots=0': 'slots=0' is none of slots=N, weight=N, fails"],
    [['-b', '1001x1ms'], 'more than 1000 backends are too many'],
    [['--algorithm', 'best'], /^there is no algorithm 'best', only round-robin, /],
    [['--load', '0%'], /^--load '0%' is no share/],
    [['--rate', 'much'], "--rate 'much' is no rate, expected one such as 500/s"],
    [['--load', '50%', '--rate', '5/s'], '--load and --rate say the same thing: give one'],
    [['-b', '1ms,fails'], /^no backend works/],
    [['--keys', 'x'], "--keys 'x' is no whole number from 1 to 1000000"],
    [['--sed', '1'], "unknown option '--sed'; did you mean '--seed'?"],
  ])('refuses %j', async (args, problem) => {
    const { code, stdout, stderr } = await run(...args.map((arg) => arg.replace('@@', folder)));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.replace(/^fairlead simulate: /, '').split('\n')[0]).toMatch(problem);
  });

  it('says what is wrong with the config', async () => {
    const { code, stderr } = await run(join(folder, 'bad.yaml'));
    expect(code).toBe(1);
    expect(stderr).toContain('listeners: ');
  });
});
