import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIELD_VALUE, HEX, HOST, LOWER, TARGET, TOKEN } from '../../src/http1/chars.ts';
import { Field, fieldId, forwardedFields } from '../../src/http1/known-fields.ts';

const bytes = Array.from({ length: 256 }, (_, byte) => ({ byte, char: String.fromCharCode(byte) }));

describe('the tables of bytes', () => {
  it.each([
    ['TOKEN (RFC 9110 §5.6.2)', TOKEN, /[!#$%&'*+\-.^_`|~0-9A-Za-z]/],
    ['FIELD_VALUE (RFC 9110 §5.5)', FIELD_VALUE, /[\t \x21-\x7e\x80-\xff]/],
    ['TARGET (RFC 9112 §3.2)', TARGET, /[\x21\x22\x24-\x7e]/],
    ['HOST (RFC 3986 §3.2.2, without the comma)', HOST, /[A-Za-z0-9\-._~%!$&'()*+;=]/],
  ])('%s hold what the grammar says', (_name, table, grammar) => {
    for (const { byte, char } of bytes) expect(table[byte], `byte ${byte}`).toBe(grammar.test(char) ? 1 : 0);
    expect(table).toHaveLength(256);
  });

  it('HEX holds the values of digits', () => {
    for (const { byte, char } of bytes) {
      expect(HEX[byte], `byte ${byte}`).toBe(/[0-9a-fA-F]/.test(char) ? Number.parseInt(char, 16) : 255);
    }
  });

  it('LOWER changes ASCII letters only', () => {
    for (const { byte, char } of bytes) {
      expect(LOWER[byte], `byte ${byte}`).toBe(/[A-Z]/.test(char) ? char.toLowerCase().charCodeAt(0) : byte);
    }
  });
});

/** The names as they are written, from the names of the constants: `contentLength` is `content-length`. */
const known = Object.entries(Field)
  .filter(([key]) => key !== 'other' && key !== 'lookalike')
  .map(([key, id]) => [key.replace(/[A-Z2]/g, (c) => (c === '2' ? c : `-${c.toLowerCase()}`)), id] as const);

/** Those that Fairlead puts into requests. */
const forwarded = known.filter(([, id]) => forwardedFields.has(id)).map(([name]) => name);

function idOf(name: string): number {
  const text = `GET ${name}: 1`;
  return fieldId(Buffer.from(text, 'latin1'), 4, 4 + name.length);
}

describe('fieldId (RFC 9110 §5.1: names are not case-sensitive)', () => {
  it('gives each name a number of its own that fits a byte', () => {
    expect(new Set(known.map(([, id]) => id)).size).toBe(known.length);
    for (const [, id] of known) expect(id).toBeLessThan(256);
    expect(known).toHaveLength(18);
  });

  it.each(known)('knows %s in any case', (name, id) => {
    expect(idOf(name)).toBe(id);
    expect(idOf(name.toUpperCase())).toBe(id);
    expect(idOf(name[0]!.toUpperCase() + name.slice(1))).toBe(id);
  });

  it.each(known)('takes nothing else for %s', (name) => {
    for (let at = 0; at < name.length; at++) {
      const longer = `${name.slice(0, at)}x${name.slice(at)}`;
      const other = `${name.slice(0, at)}_${name.slice(at + 1)}`;
      for (const wrong of [longer, other, name.slice(0, at), name.slice(at + 1)]) {
        if (known.some(([right]) => right === wrong)) continue;
        const alike = forwarded.includes(name) && wrong.replaceAll('_', '-') === name;
        expect(idOf(wrong), wrong).toBe(alike ? Field.lookalike : Field.other);
      }
    }
    expect(idOf(`${name}x`)).toBe(Field.other);
    // Case is one bit of a letter, and of nothing else.
    expect(idOf(name.replace('-', '\r'))).toBe(name.includes('-') ? Field.other : idOf(name));
  });

  it.each(forwarded)('knows what a backend may take for %s', (name) => {
    for (let choice = 1; choice < 2 ** (name.split('-').length - 1); choice++) {
      let dash = 0;
      const alike = name.replace(/-/g, () => ((choice >> dash++) & 1 ? '_' : '-'));
      expect(idOf(alike), alike).toBe(Field.lookalike);
      expect(idOf(alike.toUpperCase())).toBe(Field.lookalike);
      for (const other of [`${alike}x`, alike.slice(1), alike.replace(/.$/, 'q')])
        expect(idOf(other)).toBe(Field.other);
    }
  });

  it('takes no other name for a known one', () => {
    const names = new Set(known.map(([name]) => name));
    const letters = fc.constantFrom(...'hostecnilgharfxpqu-12');
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 20 }), (name) => {
        fc.pre(!names.has(name));
        expect(idOf(name)).toBe(Field.other);
      }),
    );
  });
});
