import { describe, expect, it } from 'vitest';
import { parseWrk, parseWrkTime, wrkArguments } from '../../../bench/lib/wrk.ts';

const REPORT = `Running 5s test @ http://127.0.0.1:43211/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.05ms  391.28us  12.61ms   93.51%
    Req/Sec    61.36k     3.04k   65.90k    78.00%
  Latency Distribution
     50%  980.00us
     75%    1.12ms
     90%    1.31ms
     99%    2.05ms
  305231 requests in 5.00s, 49.49MB read
Requests/sec:  61034.11
Transfer/sec:      9.90MB
`;

describe('parseWrkTime', () => {
  it.each([
    ['980.00us', 0.98],
    ['2.05ms', 2.05],
    ['1.50s', 1500],
    ['2.00m', 120_000],
    ['1.00h', 3_600_000],
    [' 3.00ms ', 3],
    ['0.00us', 0],
  ])('reads %s', (text, ms) => expect(parseWrkTime(text)).toBeCloseTo(ms, 9));

  it.each(['', 'ms', '12', '12 parsecs', 'nan', '1.0msx'])('gives NaN for %o', (text) => {
    expect(parseWrkTime(text)).toBeNaN();
  });
});

describe('parseWrk', () => {
  it('reads requests, time, percentiles and the rate over the real duration', () => {
    expect(parseWrk(REPORT)).toEqual({
      requests: 305_231,
      durationMs: 5000,
      requestsPerSecond: 61_046.2,
      p50Ms: 0.98,
      p99Ms: 2.05,
      errors: 0,
    });
  });

  it('adds up socket errors and bad statuses', () => {
    const socket = '  Socket errors: connect 1, read 20, write 300, timeout 4000\n';
    expect(parseWrk(REPORT + socket).errors).toBe(4321);
    expect(parseWrk(`${REPORT}  Non-2xx or 3xx responses: 17\n`).errors).toBe(17);
    expect(parseWrk(`${REPORT}${socket}  Non-2xx or 3xx responses: 17\n`).errors).toBe(4338);
  });

  it('reads a run that took minutes', () => {
    const long = parseWrk(REPORT.replace('in 5.00s', 'in 1.50m'));
    expect(long.durationMs).toBe(90_000);
    expect(long.requestsPerSecond).toBeCloseTo(305_231 / 90, 6);
  });

  it.each([
    ['nothing', ''],
    ['a failure', 'unable to connect to 127.0.0.1:1 Connection refused'],
    ['no total', REPORT.replace(/^.*requests in.*$/m, '')],
    ['no p50', REPORT.replace(/^ +50%.*$/m, '')],
    ['no p99', REPORT.replace(/^ +99%.*$/m, '')],
  ])('throws on %s, with the text', (_name, text) => {
    expect(() => parseWrk(text)).toThrow(`wrk printed no report:\n${text}`);
  });
});

describe('wrkArguments', () => {
  const spec = { url: 'http://127.0.0.1:1/', connections: 64, durationS: 5, newConnections: false };

  it('runs one thread and asks for the percentiles', () => {
    expect(wrkArguments(spec)).toEqual(['-t', '1', '-c', '64', '-d', '5s', '--latency', 'http://127.0.0.1:1/']);
  });

  it('asks for a close after each request when every request is to have its own connection', () => {
    expect(wrkArguments({ ...spec, newConnections: true }).join(' ')).toContain('-H Connection: close http://');
  });

  it('rounds up to the whole seconds wrk takes', () => {
    expect(wrkArguments({ ...spec, durationS: 0.2 })).toContain('1s');
    expect(wrkArguments({ ...spec, durationS: 2.5 })).toContain('3s');
  });
});
