import { describe, expect, it } from 'vitest';
import { networkOf } from '../../src/support/network.ts';
import { parseRate } from '../../src/support/rate.ts';

describe('the network that counts as one source', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['2001::5:6:7:8:9', '2001:0:0:5'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['', ''],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('a rate', () => {
  it.each([
    ['100/s', 100, 10],
    ['600/m', 600, 100],
    ['20/10s', 20, 500],
    ['5/1.5s', 5, 300],
    ['1/500ms', 1, 500],
  ])('%s', (text, count, intervalMs) => {
    expect(parseRate(text)).toEqual({ count, intervalMs });
  });

  it.each(['', '5', '0/s', '5/0s', '5/d', '-1/s', '1.5/s', '5/s/s', '1e3/s'])('is not %j', (text) => {
    expect(parseRate(text)).toBeUndefined();
  });
});
