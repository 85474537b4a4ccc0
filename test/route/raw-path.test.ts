import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasDotSegments, readPath } from '../../src/route/path-reading.ts';
import { RawPath } from '../../src/route/raw-path.ts';

const pieces = ['/', '/', 'a', 'b', '.', '..', '%2e', '%2E', '%2f', '%5c', '\\', '%61', ';', '%', '%25', '%c3%a9'];
const anyPath = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => `/${parts.join('')}`);

/** All of a path, as it is given back. */
const whole = (path: string): string | undefined => {
  const raw = RawPath.read(path);
  return raw?.slice(0, raw.normal.length);
};

describe('a raw path', () => {
  test.each([
    ['/a/b', '/a/b'],
    ['/%61/%2f%c3%a9//b\\%', '/%61/%2f%c3%a9//b\\%'],
    ['/a/../%7eb/./c', '/%7eb/c'],
    ['/a/b/..', '/a/'],
    ['/%2e%2e/a', '/a'],
    ['/a/%2E', '/a/'],
    ['*', '*'],
    ['/a/..%2fb', undefined],
    ['/..;/a', undefined],
  ])('%s is %s without dot segments', (path, expected) => {
    expect(whole(path)).toBe(expected);
  });

  test.each([
    ['/%61%62c/d', 1, 3, '%61%62'],
    ['/%61%62c/d', 3, 6, 'c/d'],
    ['/a%2fb', 2, 5, '%2f'],
    ['/a%2fb', 3, 4, '%2f'],
    ['/a%2fb', 1, 3, 'a%2f'],
    ['/a%2fb', 4, 6, '%2fb'],
    ['/a///b', 2, 3, '///'],
    ['/a///b', 3, 4, 'b'],
    ['/a///b', 0, 3, '/a///'],
    ['/a%', 2, 3, '%'],
    ['/a%61', 2, 2, ''],
    ['/ab', 1, 2, 'a'],
  ])('%s from %i to %i was written %s', (path, start, end, written) => {
    expect(RawPath.read(path)!.slice(start, end)).toBe(written);
  });

  test('has the normal form that routes look at, and no dot segments', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const raw = RawPath.read(path);
        const reading = readPath(path);
        expect(raw === undefined).toBe(reading.doubt !== '');
        if (raw === undefined) return;
        expect(raw.normal).toBe(reading.normal);
        expect(hasDotSegments(whole(path)!)).toBe(false);
        expect(readPath(whole(path)!).normal).toBe(reading.normal);
      }),
    );
  });

  test('gives pieces back that are whole again when they are put together', () => {
    fc.assert(
      fc.property(anyPath, fc.nat(), (path, at) => {
        const raw = RawPath.read(path);
        fc.pre(raw !== undefined);
        const cut = at % (raw!.normal.length + 1);
        fc.pre(!/%.?$/.test(raw!.normal.slice(0, cut)));
        expect(raw!.slice(0, cut) + raw!.slice(cut, raw!.normal.length)).toBe(whole(path));
      }),
    );
  });
});
