import { describe, expect, it } from 'vitest';
import { h2loadArguments, parseH2load } from '../../../bench/lib/h2load.ts';

/** What h2load prints, with what a run varies in it. */
function printed(requests: string, codes: string, protocol = 'h2'): string {
  return `starting benchmark...
spawning thread #0: 8 total client(s). Timing-based test with 0s of warm-up time and 2s of main duration for measurements.
TLS Protocol: TLSv1.3
Application protocol: ${protocol}

finished in 2.00s, 32000.00 req/s, 1.10MB/s
requests: ${requests}
status codes: ${codes}
traffic: 2.20MB (2306867) total, 1.00MB (1048576) headers (space savings 87.00%), 812.50KB (832000) data
`;
}

describe('what h2load prints', () => {
  it('is read: requests, their rate over the window, no errors', () => {
    const text = printed(
      '64064 total, 64064 started, 64000 done, 64000 succeeded, 0 failed, 0 errored, 0 timeout',
      '64000 2xx, 0 3xx, 0 4xx, 0 5xx',
    );
    expect(parseH2load(text, 2)).toEqual({ requests: 64000, requestsPerSecond: 32000, errors: 0 });
  });

  it.each([
    [
      'requests that failed',
      '10 total, 10 started, 10 done, 8 succeeded, 2 failed, 2 errored, 0 timeout',
      '8 2xx, 0 3xx, 0 4xx, 0 5xx',
      2,
    ],
    [
      'answers that are errors',
      '10 total, 10 started, 10 done, 7 succeeded, 3 failed, 0 errored, 0 timeout',
      '7 2xx, 0 3xx, 1 4xx, 2 5xx',
      3,
    ],
    [
      'time-outs',
      '10 total, 10 started, 6 done, 6 succeeded, 4 failed, 4 errored, 4 timeout',
      '6 2xx, 0 3xx, 0 4xx, 0 5xx',
      4,
    ],
  ])('counts as errors: %s', (_, requests, codes, errors) => {
    expect(parseH2load(printed(requests, codes), 1)).toMatchObject({ errors });
  });

  it('is refused when it is no report, or tells of another protocol', () => {
    const good = '1 total, 1 started, 1 done, 1 succeeded, 0 failed, 0 errored, 0 timeout';
    expect(() => parseH2load('could not connect', 1)).toThrow('could not connect');
    expect(() => parseH2load(printed(good, '1 2xx, 0 3xx, 0 4xx, 0 5xx', 'http/1.1'), 1)).toThrow('no HTTP/2');
    expect(() => parseH2load(printed('none', 'none'), 1)).toThrow('no report');
  });
});

it('h2load is run with one thread, and whole seconds', () => {
  const spec = { url: 'https://127.0.0.1:1/', connections: 8, streams: 4, durationS: 1.5 };
  expect(h2loadArguments(spec)).toEqual(['-t', '1', '-c', '8', '-m', '4', '-D', '2', 'https://127.0.0.1:1/']);
});
