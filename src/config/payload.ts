import { Refusal } from './scalar.ts';
import { regexProblem, text } from './scalars.ts';

/** The longest payload of a probe, in bytes: what one UDP datagram carries everywhere. */
const LONGEST_PAYLOAD_BYTES = 512;

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' };
const written = /^(?:[\x20-\x5b\x5d-\x7e]|\\[nrt0\\]|\\x[0-9A-Fa-f]{2})*$/;
const expected = 'ASCII text with \\n, \\r, \\t, \\0, \\\\ or \\xHH for other bytes, of at most 512 bytes';

/** The bytes that a payload is written for, as latin1 text. */
export function payloadBytes(payload: string): string {
  return payload.replace(/\\(?:x(..)|(.))/g, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? escapes[letter]! : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Bytes to send, written as text with escapes. */
export const payload = text({
  title: 'payload',
  expected,
  json: { pattern: written.source },
  check: (value) =>
    written.test(value) && payloadBytes(value).length <= LONGEST_PAYLOAD_BYTES ? undefined : new Refusal(),
});

/** What an answer must contain, as a payload, or `~` and a regular expression that it must match. */
export const expectedAnswer = text({
  title: 'expected answer',
  expected: `${expected}; or ~ and a regular expression`,
  check: (value) => {
    if (value.startsWith('~')) return regexProblem(value.slice(1));
    return written.test(value) ? undefined : new Refusal();
  },
});
