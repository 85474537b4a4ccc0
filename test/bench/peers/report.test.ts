import { describe, expect, it } from 'vitest';
import { type PeerResults, peerReport, ratioSection, workloadSection } from '../../../bench/peers/report.ts';
import { judge, ratios, type Summary } from '../../../bench/peers/summary.ts';
import { workloads } from '../../../bench/peers/workloads.ts';

function summary(peer: string, workload: string, change: Partial<Summary> = {}): Summary {
  return {
    peer,
    workload,
    rounds: 3,
    rate: 61_234.4,
    p99Ms: 2.046,
    userPerUnit: 3.44,
    systemPerUnit: 9.06,
    cpuPerUnit: 12.5,
    cpuSpread: 0.034,
    busy: 0.912,
    residentBytes: 20 * 2 ** 20,
    errors: 0,
    ...change,
  };
}

const byName = (name: string) => workloads.find((workload) => workload.name === name)!;
const cells = (line: string) =>
  line
    .split('|')
    .map((cell) => cell.trim())
    .slice(1, -1);

describe('workloadSection', () => {
  it('shows requests, CPU in all and by kind, memory and errors', () => {
    const text = workloadSection(byName('l7-keepalive'), [
      summary('nginx', 'l7-keepalive'),
      summary('x', 'l4-keepalive'),
    ]);
    const [title, , head, , row, end] = text.split('\n');
    expect(title).toBe('## L7, keep-alive connections (`l7-keepalive`)');
    expect(cells(head!)).toEqual([
      'peer',
      'requests/s',
      'p99 ms',
      'CPU µs/request',
      'user',
      'system',
      'spread',
      'core busy',
      'RSS MiB',
      'errors',
    ]);
    expect(cells(row!)).toEqual(['nginx', '61,234', '2.05', '12.5', '3.4', '9.1', '3 %', '91 %', '20', '0']);
    expect(end).toBe('');
  });

  it('shows bulk in gigabits and CPU per GiB, without a p99', () => {
    const bulk = summary('nginx', 'l4-bulk', { rate: 12.345, cpuPerUnit: 1234.5, p99Ms: Number.NaN });
    const [, , head, , row] = workloadSection(byName('l4-bulk'), [bulk]).split('\n');
    expect(cells(head!).slice(0, 3)).toEqual(['peer', 'Gbit/s', 'CPU ms/GiB']);
    expect(cells(row!).slice(0, 3)).toEqual(['nginx', '12.35', '1,235']);
  });

  it('is empty for a workload nobody took part in', () => {
    expect(workloadSection(byName('l4-bulk'), [summary('nginx', 'l7-keepalive')])).toBe('');
  });
});

const summaries = [
  summary('fairlead', 'l7-keepalive', { cpuPerUnit: 13.7 }),
  summary('nginx', 'l7-keepalive', { cpuPerUnit: 11.8 }),
  summary('haproxy', 'l7-keepalive', { cpuPerUnit: 12.4 }),
  summary('caddy', 'l7-keepalive', { cpuPerUnit: 38 }),
  summary('fairlead', 'l4-bulk', { rate: 11, p99Ms: Number.NaN }),
  summary('nginx', 'l4-bulk', { rate: 12, p99Ms: Number.NaN }),
];
const found = ratios(summaries, 'fairlead');

describe('ratioSection', () => {
  it('has a row for each workload and measure and a gap where nothing was measured', () => {
    const lines = ratioSection('fairlead', found)
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map(cells);
    expect(lines).toEqual([
      ['workload', 'measure', 'better of nginx, haproxy', 'nginx', 'haproxy', 'caddy'],
      expect.anything(),
      ['l7-keepalive', 'CPU per unit', '1.16', '1.16', '1.10', '0.36'],
      ['l7-keepalive', 'rate', '1.00', '1.00', '1.00', '1.00'],
      ['l7-keepalive', 'p99', '1.00', '1.00', '1.00', '1.00'],
      ['l4-bulk', 'CPU per unit', '1.00', '1.00', '–', '–'],
      ['l4-bulk', 'rate', '0.92', '0.92', '–', '–'],
    ]);
  });

  it('is empty with nobody to compare with', () => {
    expect(ratioSection('fairlead', ratios([summary('fairlead', 'l7-keepalive')], 'fairlead'))).toBe('');
  });
});

describe('peerReport', () => {
  const results: PeerResults = {
    title: 'Peers',
    machine: { cpu: 'Some CPU', cores: 2, memoryGiB: 8, kernel: 'linux 6.1', node: 'v26.0.0', date: '2026-01-02' },
    versions: { fairlead: 'Fairlead on Node v26.0.0', nginx: 'nginx/1.22.1' },
    missing: ['caddy'],
    rounds: 3,
    window: { connections: 64, durationS: 5, warmUpS: 2, proxyCore: 0, loadCore: 1, forwarded: false },
    summaries,
    subjects: [{ subject: 'fairlead', ratios: found, verdicts: judge(found) }],
  };

  it('says on what, how and with whom it was measured', () => {
    const text = peerReport(results, workloads);
    expect(text).toContain('Measured on 2026-01-02: 2 cores of Some CPU, 8 GiB, linux 6.1, Node v26.0.0.');
    expect(text).toContain(
      'Medians of 3 turns of 5 s, all in turn, after 2 s of warm-up each, 64 connections, proxy on core 0,',
    );
    expect(text).toContain('generator and backend on core 1.');
    expect(text).toContain('- nginx: nginx/1.22.1\n- caddy: not installed, left out\n');
    expect(text).toContain('written by every peer: no');
    expect(peerReport({ ...results, window: { ...results.window, forwarded: true } }, workloads)).toContain(
      'every peer: yes',
    );
  });

  it('judges what was measured', () => {
    const goals = peerReport(results, workloads).split('## Goals')[1]!.split('##')[0]!;
    const lines = goals
      .split('\n')
      .filter((line) => line.startsWith('| fairlead'))
      .map(cells);
    expect(lines).toEqual([
      ['fairlead', 'l7-keepalive', 'CPU per unit', 'better', 'at most 1.15', '1.16', 'no'],
      ['fairlead', 'l7-keepalive', 'CPU per unit', 'caddy', 'at most 0.50', '0.36', 'yes'],
      ['fairlead', 'l4-bulk', 'rate', 'better', 'at least 0.85', '0.92', 'yes'],
    ]);
    const unjudged = [{ subject: 'nginx', ratios: found, verdicts: [] }];
    expect(peerReport({ ...results, subjects: unjudged }, workloads)).not.toContain('## Goals');
  });

  it('has the goals and ratios of everybody who is compared', () => {
    const ring = ratios(
      [...summaries, summary('fairlead-handles', 'l7-keepalive', { cpuPerUnit: 10 })],
      'fairlead-handles',
    );
    const subjects = [...results.subjects, { subject: 'fairlead-handles', ratios: ring, verdicts: judge(ring) }];
    const text = peerReport({ ...results, subjects }, workloads);
    expect(text).toMatch(
      /\| fairlead-handles \| l7-keepalive +\| CPU per unit \| better +\| at most 1.15 +\| +0.85 \| yes/,
    );
    expect(text.match(/## Ratios of medians: .*/g)).toEqual([
      '## Ratios of medians: fairlead divided by',
      '## Ratios of medians: fairlead-handles divided by',
    ]);
  });

  it('has the sections of the workloads that were run, and ends in one newline', () => {
    const text = peerReport(results, workloads);
    expect(text.match(/^## .*$/gm)).toEqual([
      '## Goals',
      '## Ratios of medians: fairlead divided by',
      '## L7, keep-alive connections (`l7-keepalive`)',
      '## L4, bulk download over 4 connections (`l4-bulk`)',
    ]);
    expect(text).toMatch(/[^\n]\n$/);
  });
});
