import { describe, expect, it } from 'vitest';
import { type ResilienceSample, seenBy } from '../../../bench/resilience/measure.ts';
import { proxies } from '../../../bench/resilience/proxies.ts';
import { resilienceComplaints, resilienceReport } from '../../../bench/resilience/report.ts';
import { configOf } from '../../config/loading.ts';

const sample = (proxy: string, more: Partial<ResilienceSample> = {}): ResilienceSample => ({
  proxy,
  fault: '503',
  requests: 1000,
  failed: 0,
  slow: 0,
  medianMs: 20,
  p99Ms: 30,
  ...more,
});

describe('the benchmark of resilience', () => {
  it('starts Fairlead as it is by default', async () => {
    const [fairlead] = proxies;
    const { files } = fairlead!.launch({ directory: '/none', port: 8080, backends: [3001, 3002] });
    const config = await configOf(files['fairlead.yaml']!);
    const plain = await configOf(
      'listeners: { a: { protocol: http, bind: ":1", pool: b } }\npools: { b: { backends: [":3001"] } }'.replace(
        ':3001',
        '127.0.0.1:3001',
      ),
    );
    const { backends: _own, ...apps } = config.pools['apps']!;
    const { backends: _plain, ...defaults } = plain.pools['b']!;
    expect(apps).toEqual(defaults);
  });

  it('counts failures and late answers', () => {
    const times = [20, 20, 20, 20, 201, 5];
    const answers = times.map((latencyMs, i) => ({ atMs: 1000 + i, latencyMs, status: i === 5 ? 503 : 200 }));
    expect(seenBy([{ atMs: 0, latencyMs: 1, status: 0 }, ...answers], 1000)).toEqual({
      requests: 6,
      failed: 1,
      slow: 1,
      medianMs: 20,
      p99Ms: 201,
    });
  });

  it('complains where another does better, by more than chance', () => {
    const own = sample('fairlead', { failed: 20, slow: 20 });
    expect(resilienceComplaints([own, sample('nginx', { failed: 11, slow: 5 })])).toEqual([
      'a backend that answers 503 to everything: more requests are slow than with nginx',
    ]);
    expect(resilienceComplaints([own, sample('haproxy', { failed: 500, slow: 30 })])).toEqual([]);
  });

  it('reports a row for each fault', () => {
    const options = {
      backends: 3,
      serviceMs: 20,
      slowMs: 400,
      perSecond: 150,
      beforeMs: 2000,
      afterMs: 6000,
      patienceMs: 5000,
    };
    const machine = { cpu: 'A', cores: 2, memoryGiB: 4, kernel: 'linux', node: 'v26', date: '2026-01-01' };
    const samples = [sample('fairlead', { failed: 5 }), sample('nginx', { failed: 300 })];
    const report = resilienceReport({ machine, options, versions: { nginx: 'nginx 1' }, samples });
    expect(report).toMatch(/\| answers 503 to everything \| +0\.5 % \| +0\.0 % \| +30 \| +30\.0 % \|/);
    expect(report).toContain('Fairlead is the best in each row');
  });
});
