import type { Head } from '../http1/head.ts';
import { isConnectionField } from './request-in.ts';

/** Puts the fields of an HTTP/1 head behind what `into` has, names and values in turn, but for those HTTP/2 has not. */
export function fieldsOut(head: Head, into: (string | number)[], skip?: (name: string) => boolean): void {
  for (let i = 0; i < head.fieldCount; i++) {
    const name = head.name(i).toLowerCase();
    if (isConnectionField(name) || skip?.(name) === true) continue;
    into.push(name, head.value(i));
  }
}

/** Names and values in turn as an object, which some calls of node:http2 want; values of one name become a list. */
export function asObject(pairs: readonly (string | number)[]): Record<string, string | number | string[]> {
  const object: Record<string, string | number | string[]> = Object.create(null);
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    const value = pairs[i + 1]!;
    const before = object[name];
    if (before === undefined) object[name] = value;
    else if (Array.isArray(before)) before.push(String(value));
    else object[name] = [String(before), String(value)];
  }
  return object;
}

/** A trailer section of HTTP/1.1, checked before, as `asObject` gives it; `undefined` when it is empty. */
export function trailersOut(text: string): Record<string, string | number | string[]> | undefined {
  const pairs: string[] = [];
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '');
    if (!isConnectionField(name)) pairs.push(name, value);
  }
  return pairs.length === 0 ? undefined : asObject(pairs);
}
