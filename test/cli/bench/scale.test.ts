import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kneeOf, type ScaleReport } from '../../../src/cli/bench/scale.ts';
import { scaleHtml, scaleText } from '../../../src/cli/bench/scale-report.ts';
import { main } from '../../../src/cli/bench.ts';
import { paintFor } from '../../../src/cli/colour.ts';
import { closeOpened } from '../../support/opened.ts';
import { startBackend } from '../../support/recording-backend.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../../support/running.ts';
import { fakeIo } from '../fake-io.ts';

let lb: RunningFairlead;
let requests: () => number[];
beforeAll(async () => {
  const backends = await Promise.all([startBackend(), startBackend(), startBackend()]);
  requests = () => backends.map((backend) => backend.requests.length);
  const named = backends.map(({ address }, n) => ({ name: `b${n}`, address, weight: n === 2 ? 0 : 1 }));
  const { listeners, pools } = webConfig(named);
  lb = await runFairlead({ listeners, pools: { ...pools, other: pools!['web']! }, admin: { bind: '127.0.0.1:0' } });
});
afterAll(closeOpened);

async function run(...args: string[]) {
  const io = fakeIo();
  const code = await main([lb.address(), '--admin', lb.adminAddresses[0]!, '--scale', ...args], io);
  return { code, stdout: io.stdout.text(), stderr: io.stderr.text() };
}

const states = async () => {
  const answer = await fetch(`http://${lb.adminAddresses[0]}/api/pools/web`);
  return ((await answer.json()) as { backends: { state: string }[] }).backends.map(({ state }) => state);
};

describe('fairlead bench --scale', () => {
  it('measures with one backend more each time, and leaves the pool as it was', async () => {
    const args = ['--pool', 'web', '-d', '200ms', '-c', '2', '--warm-up', '0', '--json'];
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as ScaleReport;
    expect(report).toMatchObject({
      pool: 'web',
      connections: 2,
      steps: [
        { backends: 1, added: 'b0', efficiency: 1, failed: 0 },
        { backends: 2, added: 'b1', failed: 0 },
      ],
    });
    const [first, second] = report.steps;
    expect(second!.efficiency).toBeCloseTo(second!.perSecond / (2 * first!.perSecond), 9);
    const [b0, b1, b2] = requests();
    expect(b0).toBeGreaterThan(b1!);
    expect(b1).toBeGreaterThan(0);
    expect(b2).toBe(0);
    expect(await states()).toEqual(['enabled', 'enabled', 'enabled']);
  });

  it('needs to know the pool, and an instance', async () => {
    expect(await run()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('which pool is to be scaled? --pool is missing: web, other\n'),
    });
    expect(await run('--pool', 'x')).toMatchObject({
      code: 1,
      stderr: "fairlead bench: there is no pool 'x'; there is web, other\n",
    });
    const io = fakeIo({ cwd: '/' });
    expect(await main([lb.address(), '--scale', '--config', '/nothing.yaml'], io)).toBe(1);
    expect(io.stderr.text()).toContain('--scale needs a running instance');
  });
});

describe('the knee', () => {
  it.each([
    [[100, 200, 300], null],
    [[100, 200, 240], 2],
    [[100, 140, 300], 1],
    [[100, 150, 200, 240, 300], 3],
    [[100, 90], 1],
    [[], null],
  ])('of %j is %s', (throughput, knee) => {
    expect(kneeOf(throughput.map((perSecond) => ({ perSecond })))).toBe(knee);
  });
});

describe('the report', () => {
  const step = { p50Ms: 1.5, p99Ms: 12, failed: 0, limit: 'backends' as const };
  const report: ScaleReport = {
    url: 'http://a/<b>',
    pool: 'web',
    startedAt: '2026-01-01T00:00:00Z',
    connections: 50,
    durationMs: 5000,
    steps: [
      { ...step, backends: 1, added: 'one', perSecond: 1000, efficiency: 1 },
      { ...step, backends: 2, added: '127.0.0.1:3002', perSecond: 1900, efficiency: 0.95 },
      { ...step, backends: 3, added: 'c', perSecond: 2000, efficiency: 2 / 3, failed: 3, limit: 'machine' },
    ],
    knee: 2,
  };

  it('is a table with bars', () => {
    const bar = '█'.repeat(30);
    expect(scaleText(report, paintFor(fakeIo().stdout, {})).split('\n').slice(2)).toEqual([
      'BACKENDS  ADDED           REQUESTS/S  EFFICIENCY     P50     P99  FAILED  LIMIT',
      `       1  one                  1,000     100.0 %  1.50ms  12.0ms       0  backends  ${bar.slice(15)}`,
      `       2  127.0.0.1:3002       1,900      95.0 %  1.50ms  12.0ms       0  backends  ${bar.slice(1)}`,
      `       3  c                    2,000      66.7 %  1.50ms  12.0ms       3  machine   ${bar}`,
      '',
      'the knee: at 2 of 3 backends: the next one brought less than half of what the first did',
      '',
    ]);
    const all = scaleText({ ...report, knee: null }, paintFor(fakeIo().stdout, {}));
    expect(all).toContain('the knee: none up to 3 backends');
  });

  it('is a page with charts', () => {
    const page = scaleHtml(report);
    expect(page).toContain('How http://a/&lt;b&gt; scales');
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).toContain('class="ideal"');
    expect(page).not.toMatch(/<script|<link|<img|src=|href=|url\(/);
  });
});
