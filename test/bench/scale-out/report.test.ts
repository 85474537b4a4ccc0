import { describe, expect, it } from 'vitest';
import { type ScaleResults, scaleChart, scaleReport } from '../../../bench/scale-out/report.ts';
import type { ScaleRow } from '../../../bench/scale-out/summary.ts';

function row(layer: 'l7' | 'l4', backends: number, change: Partial<ScaleRow> = {}): ScaleRow {
  return {
    layer,
    backends,
    throughput: 399.6 * backends,
    p50Ms: 40.04,
    p99Ms: 42.26,
    factor: backends,
    efficiency: 1,
    ofCapacity: 0.999,
    shares: Object.fromEntries(Array.from({ length: backends }, (_, i) => [`app-${i + 1}`, 1 / backends])),
    errors: 0,
    picksAgree: true,
    proxyBusy: 0.123,
    ...change,
  };
}

const results: ScaleResults = {
  machine: { cpu: 'Some CPU', cores: 2, memoryGiB: 8, kernel: 'linux 6.1', node: 'v26.0.0', date: '2026-01-02' },
  proxy: 'Fairlead',
  options: {
    capacity: { slots: 8, serviceMs: 20 },
    connectionsPerBackend: 16,
    durationS: 10,
    warmUpS: 2,
    workers: 2,
    balance: 'least-connections',
  },
  rows: [
    row('l7', 1),
    row('l4', 1),
    row('l7', 4, { shares: { 'app-1': 0.2498, 'app-2': 0.25, 'app-3': 0.25, 'app-4': 0.2502 } }),
    row('l4', 4, { factor: 3.987, efficiency: 0.9967, picksAgree: undefined }),
  ],
};

const cells = (line: string) =>
  line
    .split('|')
    .map((cell) => cell.trim())
    .slice(1, -1);
const section = (text: string, title: string) => {
  const lines = text.split(`## ${title}\n`)[1]!.split('##')[0]!.split('\n');
  return lines.filter((line) => line.startsWith('| ') && !line.startsWith('| -')).map(cells);
};

describe('scaleReport', () => {
  const text = scaleReport(results);

  it('states the capacity, the load and the proxy', () => {
    expect(text).toContain('Each backend has 8 slots and a service time of 20 ms, so 400 requests/s.');
    expect(text).toContain('autocannon keeps 16 connections per backend busy for 10 s after 2 s of warm-up;');
    expect(text).toContain('Fairlead with 2 workers, least-connections,');
    expect(scaleReport({ ...results, options: { ...results.options, workers: 1 } })).toContain('with 1 worker,');
    expect(text).toContain('![Throughput over the number of backends](scale-out.svg)');
    expect(text).toContain('No request failed.');
  });

  it('has a table for each layer', () => {
    const [head, , four] = section(text, 'L7');
    expect(head).toEqual([
      'backends',
      'requests/s',
      'p50 ms',
      'p99 ms',
      '× one',
      'efficiency',
      'of capacity',
      'share per backend',
      'picks agree',
      'proxy core',
      'errors',
    ]);
    expect(four).toEqual([
      '4',
      '1,598',
      '40.0',
      '42.3',
      '4.00',
      '100.0 %',
      '99.9 %',
      '24.98–25.02 %',
      'yes',
      '12.3 %',
      '0',
    ]);
    expect(section(text, 'L4')[2]).toEqual([
      '4',
      '1,598',
      '40.0',
      '42.3',
      '3.99',
      '99.7 %',
      '99.9 %',
      '25.00 % each',
      '–',
      '12.3 %',
      '0',
    ]);
  });

  it('lists the share of every backend', () => {
    const shares = section(text, 'Share per backend');
    expect(shares[0]).toEqual(['layer', 'backends', 'app-1', 'app-2', 'app-3', 'app-4']);
    expect(shares[1]).toEqual(['L7', '1', '100.0 %', '–', '–', '–']);
    expect(shares[4]).toEqual(['L4', '4', '25.0 %', '25.0 %', '25.0 %', '25.0 %']);
  });

  it('names what went wrong instead of saying that nothing did', () => {
    const bad = scaleReport({ ...results, rows: [row('l7', 3, { factor: 2.5, errors: 4, picksAgree: false })] });
    expect(bad).not.toContain('No request failed.');
    expect(bad).toContain(
      '- L7 with 3: factor 2.50 is below 2.9\n- L7 with 3: 4 requests failed\n- L7 with 3: the proxy',
    );
    expect(section(bad, 'L7')[1]).toContain('no');
    expect(bad).not.toContain('## L4');
  });
});

describe('scaleChart', () => {
  const svg = scaleChart(results);

  it('draws N × one from the origin through L7’s one backend, and both layers', () => {
    expect(svg).toContain('aria-label="Fairlead: throughput over the number of backends"');
    expect(svg).toContain('class="line ideal" d="M84 398L668 96.3"');
    expect(svg).toContain('>L7 × 4.00</text>');
    expect(svg).toContain('>L4 × 3.99</text>');
    expect(svg).toContain('Each backend has 8 slots');
  });

  it('falls back to the stated capacity, without factors, when there was no run with one', () => {
    const part = scaleChart({ ...results, rows: [row('l7', 4, { throughput: 800, factor: Number.NaN })] });
    expect(part).toContain('class="line ideal" d="M84 398L668 96"');
    expect(part).not.toContain('L7 ×');
    expect(part).not.toContain('>L4</text>');
  });
});
