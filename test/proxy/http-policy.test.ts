import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/pool/lease.ts';
import type { HashKey, PoolSite } from '../../src/proxy/deps.ts';
import {
  clientSource,
  failureComplaint,
  hintFor,
  hostField,
  isIdempotent,
  refusalComplaint,
} from '../../src/proxy/http-policy.ts';
import { cidrSet } from '../../src/support/cidr.ts';
import { requestText } from '../support/requests.ts';
import { parsed } from './parsed.ts';

describe('isIdempotent', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])('%s is', (method) => {
    expect(isIdempotent(method)).toBe(true);
  });

  it.each(['POST', 'PATCH', 'LOCK', 'get', '', 'PROPFIND', 'QUERY'])('%j is not', (method) => {
    expect(isIdempotent(method)).toBe(false);
  });
});

describe('refusalComplaint', () => {
  it.each([
    ['all-saturated', 'saturated', 'every backend of pool web is at its connection limit'],
    ['no-backends', 'no-backend', 'pool web has no backends'],
    ['none-healthy', 'no-backend', 'no backend of pool web is available'],
    ['all-tried', 'no-backend', 'no backend of pool web is available'],
  ] as const)('%s is told as %s', (refusal, code, cause) => {
    expect(refusalComplaint(refusal, 'web')).toEqual({ code, cause });
  });
});

describe('failureComplaint', () => {
  it.each<[Outcome, string, string]>([
    ['connect-refused', 'backend-failed', 'the backend refused the connection'],
    ['connect-failed', 'backend-failed', 'the backend could not be reached'],
    ['connect-timeout', 'backend-timeout', 'the backend did not accept the connection in time'],
    ['backend-timeout', 'backend-timeout', 'the backend did not answer in time'],
    ['bad-response', 'backend-failed', 'the backend sent an invalid response: two heads'],
    ['backend-reset', 'backend-failed', 'the backend closed the connection before it answered'],
  ])('%s is told as %s', (outcome, code, cause) => {
    expect(failureComplaint(outcome, 'two heads')).toEqual({ code, cause });
  });
});

describe('hintFor', () => {
  const head = parsed(
    requestText('GET http://b.test/p?q=1 HTTP/1.1', [
      'X-Id: a',
      'X-ID: b',
      'Cookie: other=1; sid=s%201',
      'Cookie: sid=2',
    ]),
  );
  const site = (hashKey: HashKey | undefined): PoolSite => ({ hashKey }) as PoolSite;

  it.each<[HashKey, string | undefined]>([
    [{ kind: 'source' }, '10.0.0.1'],
    [{ kind: 'uri' }, '/p?q=1'],
    [{ kind: 'header', name: 'X-Id' }, 'a, b'],
    [{ kind: 'header', name: 'x-none' }, undefined],
    [{ kind: 'cookie', name: 'sid' }, 's%201'],
    [{ kind: 'cookie', name: 'none' }, undefined],
  ])('by %j is %j', (key, expected) => {
    expect(hintFor(site(key), head, '10.0.0.1')).toEqual({ key: expected });
  });

  it('is nothing, and the same nothing, for an algorithm that does not hash', () => {
    expect(hintFor(site(undefined), head, '10.0.0.1')).toEqual({});
    expect(hintFor(site(undefined), head, '10.0.0.1')).toBe(hintFor(site(undefined), head, '10.0.0.2'));
  });

  it('by a cookie of a request without any is no key', () => {
    const bare = parsed(requestText('GET / HTTP/1.1'));
    expect(hintFor(site({ kind: 'cookie', name: 'sid' }), bare, '').key).toBeUndefined();
  });
});

describe('clientSource', () => {
  const trusted = cidrSet(['10.0.0.0/8', '::1']);
  const source = (forwarded: string | undefined) => clientSource('10.0.0.9', forwarded, (ip) => trusted.has(ip));

  it.each([
    [undefined, '10.0.0.9'],
    ['', '10.0.0.9'],
    ['9.9.9.9', '9.9.9.9'],
    ['9.9.9.9, 10.1.1.1', '9.9.9.9'],
    ['8.8.8.8, 9.9.9.9, 10.1.1.1,10.2.2.2', '9.9.9.9'],
    ['10.1.1.1, 10.2.2.2', '10.1.1.1'],
    ['8.8.8.8, , 10.2.2.2', '10.2.2.2'],
    ['  9.9.9.9  ', '9.9.9.9'],
    ['2001:db8::1, [::1]', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['9.9.9.9:123', '9.9.9.9'],
    ['"9.9.9.9"', '9.9.9.9'],
    ['"9.9.9.9:123", 10.1.1.1:443', '9.9.9.9'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['"[2001:db8::1]:443" , [::1]:80', '2001:db8::1'],
    ['::ffff:9.9.9.9', '9.9.9.9'],
    ['[::ffff:9.9.9.9]:1, ::ffff:10.1.1.1', '9.9.9.9'],
    ['unknown, 10.1.1.1', '10.1.1.1'],
    ['8.8.8.8, unknown', '10.0.0.9'],
    ['8.8.8.8, _hidden:80, 10.1.1.1', '10.1.1.1'],
    ['9.9.9.9:', '10.0.0.9'],
    ['9.9.9.9:x', '10.0.0.9'],
    ['"9.9.9.9', '10.0.0.9'],
    ['9.9.9', '10.0.0.9'],
    ['[9.9.9.9', '10.0.0.9'],
  ])('behind trusted proxies that forwarded %j is %s', (forwarded, expected) => {
    expect(source(forwarded)).toBe(expected);
  });

  it('is an address, whatever was forwarded', () => {
    const entry = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constantFrom('10.0.0.1', ':80', '[', ']', '"'));
    fc.assert(
      fc.property(fc.array(entry), fc.constantFrom('', ',', ', '), (entries, between) => {
        expect(isIP(source(entries.join(between)))).not.toBe(0);
      }),
    );
  });

  it('is never anything left of an address that is not trusted', () => {
    const address = fc.ipV4();
    fc.assert(
      fc.property(
        fc.array(address),
        address,
        fc.array(fc.constantFrom('10.0.0.1', '10.255.0.2')),
        (left, ip, right) => {
          fc.pre(!trusted.has(ip));
          expect(source([...left, ip, ...right].join(', '))).toBe(ip);
        },
      ),
    );
  });
});

describe('hostField', () => {
  it.each([
    ['10.0.0.1:3000', '10.0.0.1:3000'],
    ['web.internal:80', 'web.internal'],
    ['[::1]:80', '[::1]'],
    ['[::80]:8080', '[::80]:8080'],
    ['unix:/run/app.sock', 'localhost'],
  ])('of %s is %s', (address, host) => {
    expect(hostField(address)).toBe(host);
  });
});
