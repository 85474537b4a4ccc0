import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openLoad } from '../../../bench/lib/open-load.ts';
import { overloadConfig, type PartResult, partOf } from '../../../bench/overload/measure.ts';
import { overloadComplaints, overloadReport } from '../../../bench/overload/report.ts';
import { configOf } from '../../config/loading.ts';
import { closeOpened, remember } from '../../support/opened.ts';

afterEach(closeOpened);

const part = (more: Partial<PartResult> = {}): PartResult => ({
  requests: 100,
  served: 100,
  refused: 0,
  failed: 0,
  servedP50Ms: 50,
  servedP99Ms: 60,
  refusedP50Ms: 10,
  refusedP99Ms: 20,
  ...more,
});
const sample = (overload: Partial<PartResult> = {}, after: Partial<PartResult> = {}) => {
  const parts = { unloaded: part(), onset: part(), overload: part(overload), after: part(after) };
  return { capacity: 1000, capacityBound: 5000, ...parts };
};

describe('the open load', () => {
  it('sends at its times, tells what came of each, and asks again on what was closed while idle', async () => {
    let count = 0;
    const server = createServer((_request, response) => {
      count++;
      if (count === 3) response.socket!.resetAndDestroy();
      else response.writeHead(count === 2 ? 503 : 200, { 'content-length': 2 }).end('ok');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    remember({ close: async () => void server.close() });
    const { port } = server.address() as AddressInfo;
    const load = { port, path: '/', perSecond: 100, durationMs: 100, maxConnections: 1, timeoutMs: 5000 };
    const answers = await openLoad(load);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(9).fill(200), 503]);
    expect(answers.map(({ atMs }) => atMs).sort((a, b) => a - b)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    expect(count).toBe(11);
  });

  it('gives up what takes too long', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    remember({ close: async () => void server.closeAllConnections() });
    const { port } = server.address() as AddressInfo;
    const load = { port, path: '/', perSecond: 50, durationMs: 100, maxConnections: 2, timeoutMs: 50 };
    expect((await openLoad(load)).map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('the benchmark of overload', () => {
  it('has a config that is valid', async () => {
    const config = await configOf(overloadConfig(8080, [3001, 3002], 3));
    expect(config.listeners['web']).toMatchObject({ routes: [{}, {}, {}, { name: 'route-4' }] });
  });

  it('takes a part of the answers', () => {
    const answers = [200, 200, 503, 0].map((status, i) => ({ atMs: i * 10, latencyMs: i, status }));
    expect(partOf(answers, 10)).toMatchObject({ requests: 3, served: 1, refused: 1, failed: 1, servedP99Ms: 1 });
  });

  it.each<[string, ReturnType<typeof sample>, string[]]>([
    ['nothing', sample(), []],
    [
      'that the worker had time to spare',
      { ...sample(), capacity: 4001 },
      ['requests are so cheap that the worker was not the limit: give more --routes'],
    ],
    [
      'what is served too late',
      sample({ servedP99Ms: 121 }),
      ['p99 of what is served is 2.02 times that without overload, not 2'],
    ],
    ['slow refusals', sample({ refusedP50Ms: 500 }), ['refusals are not fast']],
    ['failures', sample({ failed: 1 }), ['1 requests of the overload got no answer']],
    ['refusals that go on', sample({}, { refused: 2 }), ['2 were not served after it']],
  ])('complains of %s', (_what, measured, complaints) => {
    expect(overloadComplaints(measured)).toEqual(complaints);
  });

  it('reports all parts', () => {
    const options = {
      times: 3,
      connections: 1500,
      serviceMs: 50,
      routes: 400,
      lightMs: 5000,
      overloadMs: 14_000,
      onsetMs: 4000,
      proxyCore: 0,
      loadCore: 1,
    };
    const machine = { cpu: 'A', cores: 2, memoryGiB: 4, kernel: 'linux', node: 'v26', date: '2026-01-01' };
    expect(overloadReport({ machine, options, sample: sample() })).toContain('is 1.00 times p99 without overload');
  });
});
