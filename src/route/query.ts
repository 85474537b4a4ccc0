import { Buffer } from 'node:buffer';
import { NamedValues } from './named-values.ts';

/** More parameters than this in one request are not read; a query in a head of 16 KiB hardly holds as many. */
export const MAX_PARAMETERS = 4096;

const escapes = /%([0-9A-Fa-f]{2})/g;

/**
 * The values of the wanted parameters of a query (the text behind `?`), each name's in the order sent; a name that was
 * not sent has no entry. Read as `application/x-www-form-urlencoded` (URL Standard §5.1): names and values are
 * percent-decoded as UTF-8, `+` is a space, a broken escape stands for itself, a name without `=` has the value ''.
 * `undefined` when there are more than MAX_PARAMETERS.
 */
export function parseQuery(text: string, wanted: ReadonlySet<string>): NamedValues | undefined {
  const found = new NamedValues();
  let start = 0;
  let equals = text.indexOf('=');
  for (let pieces = 0; start < text.length; pieces++) {
    if (pieces === MAX_PARAMETERS) return undefined;
    const ampersand = text.indexOf('&', start);
    const end = ampersand < 0 ? text.length : ampersand;
    // Searched for only once behind the last one, or names without any would cost the square of the length.
    if (equals >= 0 && equals < start) equals = text.indexOf('=', start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    const name = decode(text.slice(start, nameEnd));
    if (end > start && wanted.has(name)) found.add(name, decode(text.slice(nameEnd + 1, end)));
    start = end + 1;
  }
  return found;
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  const bytes = spaced.replace(escapes, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
