import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closest } from '../../src/support/suggest.ts';

const keys = ['protocol', 'bind', 'trustProxies', 'timeouts', 'limits', 'routes', 'pool', 'keepAlive', 'tls'];

describe('closest', () => {
  it.each([
    ['a letter too few', 'protocl', 'protocol'],
    ['a letter too many', 'binnd', 'bind'],
    ['a wrong letter', 'limots', 'limits'],
    ['two letters swapped', 'ruotes', 'routes'],
    ['two letters swapped at the end', 'routse', 'routes'],
    ['two letters swapped at the start', 'obnd', undefined],
    ['a plural', 'pools', 'pool'],
    ['a singular', 'timeout', 'timeouts'],
    ['another case', 'KEEPALIVE', 'keepAlive'],
    ['snake case', 'trust_proxies', 'trustProxies'],
    ['kebab case', 'keep-alive', 'keepAlive'],
    ['three slips in eight letters', 'prtcl', 'protocol'],
    ['four slips in eight letters', 'prtc', undefined],
    ['two slips in four letters', 'bd', undefined],
    ['one slip in three letters', 'tl', 'tls'],
    ['one slip in two letters', 'ab', undefined],
    ['the start of a word', 'time', 'timeouts'],
    ['three letters of a start', 'tim', undefined],
    ['a word that goes on', 'poolside', 'pool'],
    ['a word of three that goes on', 'tlsconfig', undefined],
    ['another word', 'upstream', undefined],
    ['nothing', '', undefined],
    ['only signs', '--', undefined],
  ])('%s: %s', (_, word, expected) => {
    expect(closest(word, keys)).toBe(expected);
  });

  it('allows one slip in words of two letters', () => {
    expect(closest('x', ['y'])).toBeUndefined();
    expect(closest('ax', ['ab'])).toBe('ab');
  });

  it('takes the nearest, not the first that is near', () => {
    expect(closest('interval', ['internal', 'intervals', 'interval'])).toBe('interval');
    expect(closest('wieght', ['height', 'weight'])).toBe('weight');
    expect(closest('header', ['headerBytes', 'headers'])).toBe('headers');
  });

  it('takes the first of equally near ones', () => {
    expect(closest('pod', ['pot', 'pop'])).toBe('pot');
    expect(closest('pod', ['pop', 'pot'])).toBe('pop');
  });

  it('has nothing to say without candidates', () => {
    expect(closest('pool', [])).toBeUndefined();
  });

  it('does not work on words beyond 64 letters, which are no slip of the pen', () => {
    const long = 'a'.repeat(64);
    expect(closest(long, [long])).toBe(long);
    expect(closest(`${long}a`, [long])).toBeUndefined();
    expect(closest(long, [`${long}a`])).toBeUndefined();
    expect(closest(long, [`${long}a`, long])).toBe(long);
  });

  it('takes any iterable', () => {
    expect(closest('bnid', new Set(keys))).toBe('bind');
  });

  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', 'e'), minLength: 6, maxLength: 20 });

  it('always finds a word that is there', () => {
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 1 }), (words) => {
        expect(closest(words.at(-1)!, words)).toBe(words.at(-1));
      }),
    );
  });

  it('finds a word after any one slip', () => {
    fc.assert(
      fc.property(word, fc.nat(), fc.constantFrom('drop', 'double', 'replace', 'swap'), (meant, at, slip) => {
        const i = at % (meant.length - 1);
        const typed = {
          drop: meant.slice(0, i) + meant.slice(i + 1),
          double: meant.slice(0, i) + meant[i]! + meant.slice(i),
          replace: `${meant.slice(0, i)}x${meant.slice(i + 1)}`,
          swap: meant.slice(0, i) + meant[i + 1]! + meant[i]! + meant.slice(i + 2),
        }[slip];
        expect(closest(typed, ['xxxxxxxxxxxxxxxxxxxxxxxxxxx', meant])).toBe(meant);
      }),
    );
  });
});
