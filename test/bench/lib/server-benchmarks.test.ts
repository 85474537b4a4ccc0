import { describe, expect, it } from 'vitest';
import { parseDnsperf } from '../../../bench/lib/dnsperf.ts';
import { parsePgbench } from '../../../bench/lib/pgbench.ts';
import { parseRedisBenchmark } from '../../../bench/lib/redis-benchmark.ts';

describe('parseDnsperf', () => {
  const report = (lost: number, codes: string) => `
Statistics:

  Queries sent:         28000
  Queries completed:    27980 (99.93%)
  Queries lost:         ${lost} (0.07%)

  Response codes:       ${codes}
  Run time (s):         2.015891
  Queries per second:   13879.718695
`;

  it('reads answers, their rate, and no error where every answer is good', () => {
    const read = parseDnsperf(report(0, 'NOERROR 27980 (100.00%)'));
    expect(read).toEqual({ answers: 27_980, answersPerSecond: 13_879.718695, errors: 0 });
  });

  it('counts what got no answer or a bad one as errors', () => {
    expect(parseDnsperf(report(20, 'NOERROR 27970 (99.96%), SERVFAIL 10 (0.04%)')).errors).toBe(30);
    expect(parseDnsperf(report(0, 'REFUSED 27980 (100.00%)')).errors).toBe(27_980);
  });

  it('shows what is no report', () => {
    expect(() => parseDnsperf('Error: bind failed')).toThrow('dnsperf printed no report:\nError: bind failed');
  });
});

describe('parsePgbench', () => {
  const report = `transaction type: <builtin: select only>
number of transactions actually processed: 12345
number of failed transactions: 2 (0.016%)
latency average = 0.4 ms
tps = 4115.123456 (without initial connection time)
`;

  it('reads transactions, their rate, and those that failed', () => {
    expect(parsePgbench(report)).toEqual({ transactions: 12_345, transactionsPerSecond: 4115.123456, errors: 2 });
  });

  it('shows what is no report', () => {
    expect(() => parsePgbench('connection refused')).toThrow('pgbench printed no report:\nconnection refused');
  });
});

describe('parseRedisBenchmark', () => {
  it('finds the rate and the p99 by their titles', () => {
    const report =
      '"test","rps","avg_latency_ms","p99_latency_ms","max_latency_ms"\n"GET","273972.59","0.367","2.999","7.599"\n';
    expect(parseRedisBenchmark(report)).toEqual({ requestsPerSecond: 273_972.59, p99Ms: 2.999 });
  });

  it('shows what is no report', () => {
    expect(() => parseRedisBenchmark('Could not connect')).toThrow('redis-benchmark printed no report');
    expect(() => parseRedisBenchmark('"test","rps"\n')).toThrow('redis-benchmark printed no report');
  });
});
