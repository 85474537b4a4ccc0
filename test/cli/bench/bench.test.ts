import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BenchReport } from '../../../src/cli/bench/report.ts';
import { reportHtml } from '../../../src/cli/bench/report-html.ts';
import { reportText } from '../../../src/cli/bench/report-text.ts';
import { main } from '../../../src/cli/bench.ts';
import { paintFor } from '../../../src/cli/colour.ts';
import { closeOpened } from '../../support/opened.ts';
import { startBackend } from '../../support/recording-backend.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../../support/running.ts';
import { startPeer } from '../../support/tcp-peer.ts';
import { fakeIo } from '../fake-io.ts';

let folder: string;
let lb: RunningFairlead;
let report: BenchReport;
let text: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-bench-'));
  const backends = await Promise.all([startBackend(), startBackend()]);
  const named = backends.map(({ address }, n) => ({ name: `b${n}`, address }));
  lb = await runFairlead({ ...webConfig(named), admin: { bind: '127.0.0.1:0' } });
  await writeFile(join(folder, 'fairlead.yaml'), `admin: { bind: "${lb.adminAddresses[0]}" }`);
  const args = ['-c', '4', '-p', '2', '-d', '500ms', '--warm-up', '0', '--json', '--html', 'report.html'];
  const first = await run([`http://${lb.address()}/x`, ...args]);
  expect(first.stderr).toBe('written: report.html\n');
  report = JSON.parse(first.stdout) as BenchReport;
  text = reportText(report, paintFor(first.io.stdout, {}));
}, 30_000);
afterAll(async () => {
  await closeOpened();
  await rm(folder, { recursive: true });
});

async function run(args: string[], isTTY = false) {
  const io = fakeIo({ cwd: folder, isTTY });
  const code = await main(args, io);
  return { code, io, stdout: io.stdout.text(), stderr: io.stderr.text() };
}

describe('fairlead bench', () => {
  it('measures, and sees how the load spread', () => {
    const { answered, perSecond, latencyMs, pools, loop, connections, histogram, statuses, failures } = report;
    expect(answered).toBeGreaterThan(0);
    expect({ loop, connections, statuses, failures }).toEqual({
      loop: 'closed',
      connections: 4,
      statuses: { 200: answered },
      failures: {},
    });
    expect(perSecond).toBeCloseTo((answered * 1000) / report.durationMs, 6);
    expect(latencyMs.min).toBeGreaterThan(0);
    expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.p99);
    expect(latencyMs.p99).toBeLessThanOrEqual(latencyMs.max);
    expect(histogram.reduce((sum, { count }) => sum + count, 0)).toBe(answered);
    expect(pools).toMatchObject([{ pool: 'web', algorithm: 'round-robin', backends: [{ id: 'b0' }, { id: 'b1' }] }]);
    // Those under way at the end were picked for, and not answered.
    expect(pools[0]!.picks).toBeGreaterThanOrEqual(answered);
    expect(pools[0]!.picks).toBeLessThanOrEqual(answered + connections);
    expect(Math.abs(pools[0]!.backends[0]!.picks - pools[0]!.backends[1]!.picks)).toBeLessThanOrEqual(1);
  });

  it('says it in words', () => {
    expect(text).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/x, a closed loop over 4 connections for \d\.\d s\n/);
    expect(text).toContain(`status 200: ${report.answered.toLocaleString('en-US')}\n`);
    expect(text).toMatch(/pool web {2}round-robin, [\d,]+ picks, fairness error \d\.\d %\n {2}BACKEND +PICKS +SHARE/);
    expect(text).toMatch(/\nthe limit: .*\n {2}CPU: generator [\d.]+ %, Fairlead [\d.]+ %, /);
    expect(text.split('\n').every((line) => line.length <= 150)).toBe(true);
  });

  it('writes a page that stands alone', async () => {
    const page = await readFile(join(folder, 'report.html'), 'utf8');
    expect(page).toBe(reportHtml(report));
    expect(page.match(/<svg/g)!.length).toBeGreaterThanOrEqual(2);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|<link|<img|src=|href=|url\(/);
    const evil = { ...report, url: 'http://a/"><script>x</script>', limit: { ...report.limit, why: '<b>' } };
    expect(reportHtml(evil)).not.toMatch(/<script|<b>(?!The limit)/);
  });

  it('keeps an open loop, with a bar on a terminal only', async () => {
    const args = [lb.address(), '--rate', '100/s', '-d', '300ms', '--warm-up', '0', '--json'];
    const { code, stdout, stderr } = await run(args, true);
    expect(code).toBe(0);
    expect(stderr).toMatch(/█|░/);
    expect(stderr.endsWith('\r\u001b[K')).toBe(true);
    expect(JSON.parse(stdout)).toMatchObject({ loop: 'open', rate: 100, answered: 30, limit: { part: 'rate' } });
  });

  it('does without an instance, unless --admin says that there is one', async () => {
    const rude = await startPeer((socket) => socket.destroy());
    const once = [rude.address, '-d', '1ms', '-c', '1', '--warm-up', '0'];
    expect(await run([...once, '--admin', '127.0.0.1:1'])).toMatchObject({ code: 1, stdout: '' });
    await rm(join(folder, 'fairlead.yaml'));
    await writeFile(join(folder, 'fairlead.yaml'), 'admin: false');
    const { code, stdout, stderr } = await run(once);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nothing can be said of backends: /);
    expect(stdout).toContain('without an answer: ');
    expect(stdout).not.toContain('the limit');
  });

  it.each([
    ['127.0.0.1:1', 'http://127.0.0.1:1/ cannot be reached: nothing listens there'],
    ['http://nobody.invalid:80/', 'http://nobody.invalid/ cannot be reached: the host is not known'],
    ['https://127.0.0.1:1/x', 'https://127.0.0.1:1/x cannot be reached: nothing listens there'],
  ])('says at once that %s cannot be reached', async (url, problem) => {
    expect(await run([url])).toMatchObject({ code: 1, stdout: '', stderr: `fairlead bench: ${problem}\n` });
  });

  it.each([
    [[], 'what is to be tested? A URL is missing'],
    [['ftp://a/'], "'ftp://a/' is neither http nor https; a tcp listener is tested by the http that goes through it"],
    [['http://'], "'http://' is no URL, expected one such as http://127.0.0.1:8080/"],
    [['nope'], "'nope' is no URL, expected one such as http://127.0.0.1:8080/"],
    [['a:80', '-c', '0'], "--connections '0' is no whole number from 1 to 10000"],
    [['a:80', '-R', 'fast'], "--rate 'fast' is no whole number from 1 to 1000000"],
    [['a:80', '-d', '2h'], "--duration '2h' is no time up to 1h, such as 10s or 500ms"],
    [['a:80', '-H', 'x y: z'], "-H 'x y: z' is not a header, expected 'NAME: VALUE'"],
    [['a:80', '-m', 'G ET'], "'G ET' is not a method"],
  ])('refuses %j', async (args, problem) => {
    const { code, stderr } = await run(args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `fairlead bench: ${problem}\nTry 'fairlead bench --help'.\n` });
  });
});
