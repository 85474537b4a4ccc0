import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPlainPath, MAX_DECODED_PATH, normalPattern, readPath } from '../../src/route/path-reading.ts';

const pieces = ['/', '/', 'a', 'b', '.', '..', '...', '%2e', '%2E', '%2f', '%2F', '%5c', '\\', '%61', ';', '%', '%25'];
const anyPath = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => `/${parts.join('')}`);

describe('a plain path', () => {
  test.each([
    '/',
    '/a',
    '/a/',
    '/a/b.c',
    '/.well-known/x',
    '/a/...',
    '/..a',
    '/a./b',
    '/a.',
    '/a;v=1/b',
    '/$a@b:c',
    '*',
  ])('%s is read as it stands', (path) => {
    expect(isPlainPath(path)).toBe(true);
    expect(readPath(path)).toEqual({ normal: path, other: undefined, doubt: '' });
  });

  test.each(['/%61', '/a%', '/a\\b', '//', '/a//b', '/.', '/..', '/./a', '/a/../b', '/a/.', '/..;/a', '/.;'])(
    '%s is not one',
    (path) => {
      expect(isPlainPath(path)).toBe(false);
    },
  );

  test('is what reading leaves alone, whatever the path', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        if (isPlainPath(path)) expect(readPath(path)).toEqual({ normal: path, other: undefined, doubt: '' });
      }),
    );
  });
});

describe('the normal form', () => {
  test.each([
    ['/%61dmin', '/admin'],
    ['/%41%7A%30%7E%2D', '/Az0~-'],
    ['/%24metadata%3f%23%3B', '/$metadata?#;'],
    ['/%21', '/!'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/a%20b%7f%00', '/a%20b%7F%00'],
    ['/100%25', '/100%25'],
    ['/%2561', '/%2561'],
    ['/%zz%4', '/%25zz%254'],
    ['/%%61b', '/%25ab'],
    ['/%', '/%25'],
    ['/a//b///c', '/a/b/c'],
    ['/a%2eb', '/a.b'],
    ['/.%61', '/.a'],
  ])('of %s is %s, without another reading', (path, normal) => {
    expect(readPath(path)).toEqual({ normal, other: undefined, doubt: '' });
  });

  test('is its own normal form', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const { normal, doubt } = readPath(path);
        if (doubt === '') expect(readPath(normal).normal).toBe(normal);
      }),
    );
  });

  test('removes dot segments as the URL Standard does', () => {
    const segmentsWith = (...dots: string[]) =>
      fc.array(fc.constantFrom('a', 'bc', '...', '.a', ...dots), { minLength: 1, maxLength: 8 });
    const segments = fc.oneof(segmentsWith('.', '..'), segmentsWith('%2e', '.%2E', '%2e%2e'));
    fc.assert(
      fc.property(segments, fc.boolean(), (parts, slash) => {
        const path = `/${parts.join('/')}${slash ? '/' : ''}`;
        // A `..` at the top leaves nothing behind in either, but URL keeps no empty segment we would have merged.
        expect(readPath(path).normal).toBe(new URL(path, 'http://h').pathname.replace(/\/{2,}/g, '/'));
      }),
    );
  });
});

describe('a second reading', () => {
  test.each([
    ['with dot segments keeps them', '/public/../admin', '/admin', '/public/../admin'],
    ['with dot segments and parameters elsewhere keeps them', '/;a/../b;c/...;d', '/b;c/...;d', '/;a/../b;c/...;d'],
    ['with escaped dot segments keeps them', '/public/%2e%2E/admin', '/admin', '/public/../admin'],
    ['with one dot keeps it', '/./admin', '/admin', '/./admin'],
    ['that ends in dots keeps them', '/a/b/..', '/a/', '/a/b/..'],
    ['that ends in one dot keeps it', '/a/.', '/a/', '/a/.'],
    ['that leaves the top stays there', '/../../a', '/a', '/../../a'],
    ['with an escaped slash has a slash', '/a%2fb', '/a%2Fb', '/a/b'],
    ['with an escaped slash beside one has one', '/a/%2Fb', '/a/%2Fb', '/a/b'],
    ['with a backslash has a slash', '/a\\b', '/a%5Cb', '/a/b'],
    ['with an escaped backslash has a slash', '/a%5cb', '/a%5Cb', '/a/b'],
    ['with two slashes ahead has lost an authority', '//host/admin//x', '/host/admin/x', '/admin/x'],
    ['with many slashes ahead too', '///host/admin', '/host/admin', '/admin'],
    ['with nothing but an authority is the root', '//host', '/host', '/'],
  ])('of a path %s', (_, path, normal, other) => {
    expect(readPath(path)).toEqual({ normal, other, doubt: '' });
  });
});

describe('no reading is trusted', () => {
  test.each([
    '/public/..%2fadmin',
    '/public/%2e%2e%2Fadmin',
    '/public%5c..%5cadmin',
    '/public\\..\\admin',
    '/public/..;/admin',
    '/public/..;v=1/admin',
    '/public/.;/admin',
    '/a%2Fb/../c',
    '/a//../b',
    '/../admin/%2e%2E',
    '/./%2E',
    '//a/./b',
  ])('of %s, whose dot segments backends read in different ways', (path) => {
    expect(readPath(path).doubt).toBe('its path has dot segments that backends read in different ways');
  });

  test.each(['/\\host/admin', '/%2fhost/admin', '/%5Chost', '//a%2Fb'])(
    'of %s, which begins with two slashes',
    (path) => {
      expect(readPath(path).doubt).toContain('begins with two slashes');
    },
  );

  test('of one too long to be decoded', () => {
    const longest = `/%61${'b'.repeat(MAX_DECODED_PATH - 4)}`;
    expect(readPath(longest).doubt).toBe('');
    expect(readPath(longest).normal).toHaveLength(MAX_DECODED_PATH - 2);
    expect(readPath(`${longest}b`).doubt).toBe('its path is too long to be decoded (8193 characters, at most 8192)');
  });

  test('and still there is a path to talk about', () => {
    expect(readPath('/a/..;/b')).toMatchObject({ normal: '/a/..;/b', other: undefined });
  });
});

describe('a pattern', () => {
  test.each([
    ['/a', '/a'],
    ['/%61', '/a'],
    ['/a%2fb', '/a%2Fb'],
    ['/café au', '/caf%C3%A9%20au'],
    ['/\ud800', '/%EF%BF%BD'],
    ['/a/../b//c', '/b/c'],
    ['/a\\b', '/a%5Cb'],
    ['foo/../bar', 'foo/../bar'],
    ['*', '*'],
  ])('%s is compared as %s', (pattern, normal) => {
    expect(normalPattern(pattern)).toBe(normal);
  });
});
