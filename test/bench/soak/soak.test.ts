import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { MortalBackend } from '../../../bench/soak/backends.ts';
import { soakConfig } from '../../../bench/soak/config.ts';
import type { Reading } from '../../../bench/soak/readings.ts';
import { proofs, soakComplaints, soakReport } from '../../../bench/soak/report.ts';
import type { SoakResults } from '../../../bench/soak/run.ts';
import { Tally } from '../../../bench/soak/tally.ts';

const MIB = 2 ** 20;

function reading(change: Partial<Reading> = {}): Reading {
  const resources = { Timeout: 8, TCPServerWrap: 5 };
  return {
    leases: 0,
    connections: 0,
    files: 49,
    resources,
    sockets: [],
    heapBytes: 46 * MIB,
    residentBytes: 200 * MIB,
    ...change,
  };
}

function tallyOf(counts: Partial<Record<'good' | 'failed' | 'wrong', number>>): Tally {
  const tally = new Tally();
  for (const result of ['good', 'failed', 'wrong'] as const) {
    for (let i = 0; i < (counts[result] ?? 0); i++) tally.add('tcp, talks', result, `detail ${i}`);
  }
  return tally;
}

function results(change: Partial<SoakResults> = {}): SoakResults {
  return {
    options: { warmUpS: 60, durationS: 1200, lanes: 6, reloadEveryS: 5, killEveryS: 10 },
    tally: tallyOf({ good: 99, failed: 1 }),
    reloads: 240,
    deaths: 100,
    moments: [{ atS: 60, residentBytes: 230 * MIB, files: 150, done: 5000 }],
    before: reading(),
    after: reading(),
    ...change,
  };
}

describe('soakComplaints', () => {
  it('has none when all is back and only dead backends cost something', () => {
    expect(soakComplaints(results())).toEqual([]);
    expect(soakComplaints(results({ after: reading({ files: 47, heapBytes: 49 * MIB }) }))).toEqual([]);
  });

  it.each([
    ['leases', { leases: 1 }, 'leases: 0 before, 1 after'],
    ['connections', { connections: 2 }, 'client connections and flows: 0 before, 2 after'],
    ['files', { files: 50 }, 'open files: 49 before, 50 after'],
    ['timers', { resources: { Timeout: 9, TCPServerWrap: 5 } }, 'handles of kind Timeout: 8 before, 9 after'],
    ['another kind', { resources: { TCPSocketWrap: 1 } }, 'handles of kind TCPSocketWrap: 0 before, 1 after'],
    ['heap', { heapBytes: 51 * MIB }, 'heap of all threads, collected: 46.0 MiB before, 51.0 MiB after'],
  ])('tells %s that are left', (_what, change, complaint) => {
    expect(soakComplaints(results({ after: reading(change) }))).toEqual([complaint]);
  });

  it('shows the connections that are still open when something is left', () => {
    const sockets = ['127.0.0.1:9 > 127.0.0.1:10 CLOSE_WAIT'];
    expect(soakComplaints(results({ after: reading({ sockets }) }))).toEqual([]);
    expect(soakComplaints(results({ after: reading({ sockets, files: 50 }) }))[1]).toBe(`still open: ${sockets[0]}`);
  });

  it('tells what nothing explains, and more failures than deaths explain', () => {
    expect(soakComplaints(results({ tally: tallyOf({ good: 99, wrong: 2 }) }))).toEqual([
      '2 results that nothing explains: tcp, talks: detail 0; tcp, talks: detail 1',
    ]);
    expect(soakComplaints(results({ tally: tallyOf({ good: 90, failed: 10 }) }))).toEqual([
      '10.0 % failed, more than dead backends explain',
    ]);
  });
});

describe('proofs', () => {
  it('does not take what was left over before for normal', () => {
    const held = proofs(reading({ leases: 3 }), reading({ leases: 3 })).find(({ what }) => what === 'leases')!.held;
    expect(held).toBe(false);
  });
});

describe('soakReport', () => {
  const machine = { cpu: 'Some CPU', cores: 2, memoryGiB: 8, kernel: 'linux 6.1', node: 'v26.0.0', date: '2026-01-02' };

  it('shows the proof, the work and its course', () => {
    const text = soakReport(results(), machine);
    expect(text).toContain('20.0 minutes after 60 s of warm-up');
    expect(text).toContain('240 reloads, 100 deaths of backends');
    expect(text).toContain('Everything is back where it was.');
    expect(text).toMatch(/\| tcp, talks +\| +99 \| +1 \| +0 \|/);
    expect(text).toMatch(/\| +1\.0 \| +5,000 \| +150 \| +230 \|/);
  });

  it('lists what is not back instead', () => {
    const text = soakReport(results({ after: reading({ leases: 1 }) }), machine);
    expect(text).toContain('- leases: 0 before, 1 after');
    expect(text).not.toContain('Everything is back');
  });
});

describe('soakConfig', () => {
  const ports = { http: 1, tcp: 2, udp: 3, admin: 4 };
  const backends = [
    { httpPort: 11, echoPort: 12 },
    { httpPort: 21, echoPort: 22 },
  ] as MortalBackend[];
  const read = (round: number) => parse(soakConfig(ports, backends, round));

  it('is another one each round, on the same addresses', () => {
    const [first, second] = [read(0), read(1)];
    expect(Object.keys(first.listeners)).toEqual(['http', 'tcp', 'udp']);
    expect(Object.keys(second.listeners)).toEqual(['http', 'tcp', 'udp', 'extra']);
    expect(second.listeners.http.bind).toBe(first.listeners.http.bind);
    expect(second.listeners.http.routes).toHaveLength(2);
    expect(first.pools.web.balance).not.toBe(second.pools.web.balance);
    expect(first.pools.web.backends).not.toEqual(second.pools.web.backends);
    expect([0, 1, 2, 3, 4].map((round) => read(round).ioUring)).toEqual(['auto', 'auto', 'auto', false, 'auto']);
  });
});
