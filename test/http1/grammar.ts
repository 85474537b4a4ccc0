import fc from 'fast-check';

const tokenChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const targetChars = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter((char) => char !== '#');
const valueChars = [...targetChars, '#', '\t', ' ', '\x80', '\xa0', '\xe9', '\xff'];

/** Names that mean something to the parser are left to the tables of cases. */
const meaningful =
  /^(?:host|connection|content-length|transfer-encoding|expect|upgrade|te|keep-alive|authorization|trailer)$/i;

const name = fc
  .string({ unit: fc.constantFrom(...tokenChars), minLength: 1, maxLength: 24 })
  .filter((text) => !meaningful.test(text));
const value = fc
  .string({ unit: fc.constantFrom(...valueChars), maxLength: 24 })
  .map((text) => text.replace(/^[\t ]+|[\t ]+$/g, ''));
const space = fc.constantFrom('', ' ', '\t', ' \t ', '   ');

/** A field line, and what it says. */
export interface FieldLine {
  readonly name: string;
  readonly value: string;
  readonly line: string;
}

const field = fc
  .record({ name, value, before: space, behind: space })
  .map(
    ({ name, value, before, behind }): FieldLine => ({ name, value, line: `${name}:${before}${value}${behind}\r\n` }),
  );

/** Field lines that a head may have. */
export const fields = fc.array(field, { maxLength: 12 });

/** The method, target and minor version of a request line. */
export const requestLine = fc.record({
  method: fc
    .string({ unit: fc.constantFrom(...tokenChars), minLength: 1, maxLength: 12 })
    .filter((m) => m !== 'CONNECT'),
  target: fc.string({ unit: fc.constantFrom(...targetChars), maxLength: 40 }).map((rest) => `/${rest}`),
  minor: fc.constantFrom(0, 1),
});

/** The status, reason and minor version of a status line. */
export const statusLine = fc.record({
  status: fc.integer({ min: 100, max: 599 }),
  reason: fc.string({ unit: fc.constantFrom(...valueChars), maxLength: 24 }),
  minor: fc.constantFrom(0, 1),
});

/** A change of one byte of a text, somewhere. */
export interface Corruption {
  readonly at: number;
  readonly kind: 'replace' | 'insert' | 'delete';
  readonly byte: number;
}

/** Corruptions, more often by bytes that mean something. */
export const corruption: fc.Arbitrary<Corruption> = fc.record({
  at: fc.nat(10_000),
  kind: fc.constantFrom('replace', 'insert', 'delete'),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(...[0, 9, 10, 13, 32, 44, 47, 48, 58, 59, 127, 128, 160])),
});

/** The text with that one byte changed. */
export function corrupt(text: string, { at, kind, byte }: Corruption): string {
  const place = at % text.length;
  const instead = kind === 'delete' ? '' : String.fromCharCode(byte);
  return text.slice(0, place) + instead + text.slice(kind === 'insert' ? place : place + 1);
}

/** Cuts a text at these places, which may be anywhere and in any order. */
export function cutAt(text: string, places: readonly number[]): string[] {
  const cuts = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => text.slice(from, cuts[i] ?? text.length));
}

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const fieldLines = `((?:${token}:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n)*)\\r\\n`;
const requestGrammar = new RegExp(
  `^(?:\\r\\n){0,4}(${token}) ([\\x21\\x22\\x24-\\x7e]+) HTTP/1\\.([01])\\r\\n${fieldLines}`,
);

/** What a request head says by the grammar of RFC 9112 §2 to §5 alone; undefined when it is not one. */
export function byGrammar(text: string) {
  const match = requestGrammar.exec(text);
  if (match === null) return undefined;
  const [whole, method, target, minor, lines = ''] = match;
  const fields = lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '')];
    });
  return { end: whole.length, method, target, minor: Number(minor), fields };
}
