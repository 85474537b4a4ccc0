import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasDotSegments } from '../../src/route/path-reading.ts';
import { redirectLocation, redirectProblem, targetRewrite } from '../../src/route/rewrite.ts';

const strip = (stripPrefix: string) => targetRewrite({ stripPrefix }, [])!;
const into = (path: string, ...paths: string[]) => targetRewrite({ path }, paths)!;

const pieces = [
  '/',
  '/',
  '/x',
  'a',
  '.',
  '..',
  '%2e',
  '%2f',
  '%5c',
  '\\',
  '%61',
  ';',
  '?',
  'q=1',
  '@',
  ':',
  'evil.com',
];
const anyTarget = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => `/x${parts.join('')}`);

describe('stripping a prefix', () => {
  test.each([
    ['/v1', '/v1/items?a=/v1/b', '/items?a=/v1/b'],
    ['/v1', '/v1', '/'],
    ['/v1', '/v1?a', '/?a'],
    ['/v1', '/v1/', '/'],
    ['/v1/', '/v1/a', '/a'],
    ['/v1/', '/v1', '/'],
    ['/v1', '/v10/a', '/v10/a'],
    ['/v1', '/a/v1', '/a/v1'],
    ['/v1', '/V1/a', '/V1/a'],
    ['/v1', '*', '*'],
    ['/v1', '/%761/%7Ea%2fb/%c3%a9', '/%7Ea%2fb/%c3%a9'],
    ['/%761', '/v1/a', '/a'],
    ['/v1', '//v1/a', '/a'],
    ['/v1', '/v1//evil/a//b', '/evil/a//b'],
    ['/v1', '/v1/\\evil', '/evil'],
    ['/v1', '/v1/../v1/./a', '/a'],
    ['/v1', '/x/../y', '/x/../y'],
    ['/a/b', '/a/b/c/d', '/c/d'],
  ])('%s of %s gives %s', (prefix, target, expected) => {
    expect(strip(prefix)(target)).toBe(expected);
  });

  test('is refused for a path that may mean two things', () => {
    expect(strip('/v1')('/v1/..%2fadmin')).toBeUndefined();
  });
});

describe('a new path', () => {
  test.each([
    ['/items/$1', '~^/v1/(.*)$', '/v1/a/b?q=1', '/items/a/b?q=1'],
    ['/items/$1', '~^/v1/(.*)$', '/v1/', '/items/'],
    ['/$2/$1', '~^/([^/]+)/([^/]+)$', '/a%2fb/%7E', '/%7E/a%2fb'],
    ['/$1', '~^/v1(.*)$', '/v1//evil', '/evil'],
    ['/$1', '~^/v1/(.*)$', '/v1/../v1/./a', '/a'],
    ['/fixed', '/any', '/any?q', '/fixed?q'],
    ['/$$1', '/any', '/any', '/$1'],
    ['/x', '/*', '*', '*'],
  ])('%s for %s makes of %s %s', (path, pattern, target, expected) => {
    expect(into(path, pattern)(target)).toBe(expected);
  });

  test.each([
    ['/files/$1', '~^/f-(.*)$', '/f-../secret'],
    ['/files/$1', '~^/f-(.*)$', '/f-%2e%2e/secret'],
    ['/$1.$2', '~^/(.?)x(.?)$', '/x.'],
    ['/files/$1', '~^/x/(.*)$', '/x/..%2fa'],
    ['/files/$1', '~^/x/(.*)$', '/y'],
  ])('%s for %s is refused for %s', (path, pattern, target) => {
    expect(into(path, pattern)(target)).toBeUndefined();
  });

  test('has one slash at its start, no dot segments, and no more signs than the request', () => {
    const rewrites = [into('/$1', '~^/x(.*)$'), into('/a/$1b', '~^/x/?(.*)$'), strip('/x')];
    fc.assert(
      fc.property(anyTarget, fc.constantFrom(...rewrites), (target, rewrite) => {
        const out = rewrite(target);
        if (out === undefined) return;
        expect(out).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/);
        const [path, ...query] = out.split('?');
        expect(query).toEqual(target.split('?').slice(1));
        if (out !== target) expect(hasDotSegments(path!)).toBe(false);
      }),
    );
  });
});

describe('the location of a redirect', () => {
  test.each([
    ['/new/', '/*', '/x?q', '/new/'],
    ['/new/$1', '~^/old/(.*)$', '/old/a%20b?q', '/new/a%20b'],
    ['https://b.test/$1?from=$2', '~^/(\\w+)/(.*)$', '/a/b&c=d', 'https://b.test/a?from=b%26c%3Dd'],
    ['/s?q=$1#$1', '~^/(.*)$', '/a+b', '/s?q=a%2Bb#a%2Bb'],
    ['/$1', '~^/(.*)$', '/%3fa%23', '/%3fa%23'],
    ['/$1', '~^/x(.*)$', '/x//evil.com', '/evil.com'],
    ['/$1', '~^/x(.*)$', '/x/\\evil.com', '/%5Cevil.com'],
    ['/$1', '~^/x(.*)$', '/x"<>^`{|}', '/%22%3C%3E%5E%60%7B%7C%7D'],
    ['/$$1', '/*', '/a', '/$1'],
  ])('%s for %s of %s is %s', (to, pattern, target, expected) => {
    expect(redirectLocation({ to }, [pattern])(target)).toBe(expected);
  });

  test.each([
    ['/new', '/a', '/new'],
    ['/new', '/a?', '/new?'],
    ['/new', '/a?b=c&d=/?e', '/new?b=c&d=/?e'],
    ['/new?x=1#part', '/a?b=c', '/new?x=1&b=c#part'],
    ['https://here.test/$1', '/a/b?c', 'https://here.test/a/b?c'],
    ['https://here.test', '/a?//evil.com/@x', 'https://here.test?//evil.com/@x'],
    ['/new', '/a?b=#"<>|', '/new?b=%23%22%3C%3E%7C'],
  ])('to %s takes the query of %s along as %s', (to, target, expected) => {
    expect(redirectLocation({ to, keepQuery: true }, ['~^/(.*)$'])(target)).toBe(expected);
  });

  test('never leads to another host, nor past its line', () => {
    const base = 'https://here.test/a/b';
    const cases = [
      redirectLocation({ to: '/$1' }, ['~^/x(.*)$']),
      redirectLocation({ to: '/$1/$1' }, ['~^/x(.*)$']),
      redirectLocation({ to: 'https://here.test/$1' }, ['~^/x(.*)$']),
      redirectLocation({ to: 'https://here.test?$1' }, ['~^/x(.*)$']),
      redirectLocation({ to: 'https://here.test', keepQuery: true }, []),
      redirectLocation({ to: '/$1', keepQuery: true }, ['~^/x(.*)$']),
    ];
    fc.assert(
      fc.property(anyTarget, fc.constantFrom(...cases), (target, location) => {
        const to = location(target);
        if (to === undefined) return;
        expect(new URL(to, base).host).toBe('here.test');
        expect(to).toMatch(/^[\x21-\x7e]+$/);
      }),
    );
  });
});

describe('a capture in a redirect', () => {
  test.each(['/$1', 'https://a.test/$1', 'http://a.test?$1', 'HTTPS://a.test:8443/#$1', 'https://$$.test/'])(
    'may stand in %s',
    (to) => {
      expect(redirectProblem(to)).toBeUndefined();
    },
  );

  test.each(['https://$1/', 'https://$1.a.test/', 'https://a.test$1', 'https://a.test:$1/', '$1'])(
    'may not stand in %s',
    (to) => {
      expect(redirectProblem(to)).toMatch(/host/);
    },
  );
});
