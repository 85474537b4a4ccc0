import { forbiddenTrailers, namesOf } from '../http1/known-fields.ts';
import { type FieldList, isConnectionField, isPlainField } from './field.ts';

/** Those are left out rather than passed on. */
const NOT_TRAILERS: ReadonlySet<string> = new Set(namesOf(forbiddenTrailers));

/** Writes trailers as the trailer section of chunks, each line with its CRLF; `undefined` when one of them is malformed. */
export function trailersIn(raw: readonly string[]): string | undefined {
  let text = '';
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (!isPlainField(name, value) || isConnectionField(name)) return undefined;
    if (!NOT_TRAILERS.has(name)) text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** Likewise, of fields as they came in a head of their own. */
export function trailerLines({ fields, count }: FieldList): string | undefined {
  const raw: string[] = [];
  for (let i = 0; i < count; i++) raw.push(fields[i]!.name, fields[i]!.value);
  return trailersIn(raw);
}
