import { NamedValues } from './named-values.ts';

/** More pairs than this in one request are not read: browsers keep some 180 for a site. */
export const MAX_COOKIES = 1024;

/**
 * The values of the wanted cookies in a Cookie field (RFC 6265 §4.2.1 and §5.4), each name's in the order sent; a name
 * that was not sent has no entry. Tolerant: space around names and values is dropped, a pair of double quotes around a
 * value too, a piece without `=` or without a name is passed over. Names are case-sensitive, and nothing is decoded.
 * `undefined` when there are more than MAX_COOKIES pieces.
 */
export function parseCookies(text: string, wanted: ReadonlySet<string>): NamedValues | undefined {
  const found = new NamedValues();
  let start = 0;
  let equals = text.indexOf('=');
  for (let pieces = 0; start <= text.length; pieces++) {
    if (pieces === MAX_COOKIES) return undefined;
    const semicolon = text.indexOf(';', start);
    const end = semicolon < 0 ? text.length : semicolon;
    // Searched for only once behind the last one, or pieces without any would cost the square of the length.
    if (equals >= 0 && equals < start) equals = text.indexOf('=', start);
    if (equals >= 0 && equals < end) {
      const name = trimmed(text, start, equals);
      if (name !== '' && wanted.has(name)) found.add(name, unquoted(trimmed(text, equals + 1, end)));
    }
    start = end + 1;
  }
  return found;
}

/** `text[start..end)` without the space around it; only spaces and tabs are space (RFC 9110 §5.6.3). */
function trimmed(text: string, start: number, end: number): string {
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
