import { Buffer } from 'node:buffer';
import type { HttpText } from '../support/http-text.ts';
import { type OwnReading, ownReading, type Stream } from './own.ts';
import { parserFault } from './parser-case.ts';
import type { Message } from './reading.ts';

/** Fields that end at a hop whatever they say (RFC 9110 §7.6.1). */
const HOP_FIELDS = ['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'te', 'http2-settings'];

/** What a request is given on the way, whatever the client said. */
const FORWARDED = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id'];

/** Those that Connection may name without an effect. */
const PROTECTED: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding']);

/** What Fairlead itself may say of its own connection, to a backend or to a client. */
const OWN_WORDS = /^(?:connection: (?:Upgrade|TE|close|keep-alive|Upgrade, close)|te: trailers|upgrade: .+)$/;

type Pair = readonly [name: string, value: string];

function pairs(fields: readonly string[]): Pair[] {
  return Array.from({ length: fields.length / 2 }, (_, i) => [fields[2 * i]!, fields[2 * i + 1]!]);
}

function without(fields: readonly Pair[], dropped: ReadonlySet<string>): Pair[] {
  return fields.filter(([name]) => !dropped.has(name.toLowerCase()));
}

/** Fields as they are compared, one a line; without what a hop says of itself. */
function lines(fields: readonly Pair[]): string {
  return fields
    .filter(([name, value]) => !OWN_WORDS.test(`${name.toLowerCase()}: ${value}`))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

/** The fields that must reach the other side (RFC 9110 §7.6.1), without those of these names. */
function endToEnd(fields: readonly Pair[], drop: readonly string[]): string {
  const nominated = fields
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.toLowerCase().split(','))
    .map((option) => option.replace(/^[\t ]+|[\t ]+$/g, ''))
    .filter((option) => !PROTECTED.has(option));
  return lines(without(fields, new Set([...HOP_FIELDS, ...nominated, ...drop])));
}

/** A request as its backend must see it, or a response as its client must. */
export interface Seen {
  readonly line: string;
  readonly fields: string;
  readonly data: string;
}

/** How a request that was read must come to the backend; `held` when Fairlead may have held its body. */
export function requestAtBackend({ line, fields, data }: Message, held: boolean): Seen {
  const [method = '', target = '', minor = ''] = line.split(' ');
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  const rest = absolute?.[2] || (method === 'OPTIONS' ? '*' : '/');
  const origin = absolute === null ? target : rest.startsWith('?') ? `/${rest}` : rest;
  const all = pairs(fields);
  const host = absolute?.[1] ?? all.find(([name]) => name.toLowerCase() === 'host')?.[1];
  // An HTTP/1.0 client knows no Expect (RFC 9110 §10.1.1), and who holds a body answers it. Where the Host stands is of no meaning.
  const drop = ['host', ...FORWARDED, ...(minor === '0' || held ? ['expect'] : [])];
  return { line: `${method} ${origin}`, fields: `${host ?? 'any'}\n${endToEnd(all, drop)}`, data };
}

/** How a request came to the backend; without a Host of the client's, whatever it has for one. */
export function requestSeen({ startLine, fields, body }: HttpText, expected: Seen, held: boolean): Seen {
  const host = fields.filter(([name]) => name.toLowerCase() === 'host').map(([, value]) => value);
  const shown = expected.fields.startsWith('any\n') && host.length === 1 ? 'any' : host.join();
  return {
    line: startLine.replace(/ HTTP\/1\.1$/, ''),
    fields: `${shown}\n${lines(without(fields, new Set(['host', ...FORWARDED, ...(held ? ['expect'] : [])])))}`,
    data: body,
  };
}

/** How a response must come to the client: of a 204 nothing that speaks of a body. */
export function responseAtClient({ line, fields, data }: Message): Seen {
  const status = line.slice(0, 3);
  const drop = status === '204' || status < '200' ? ['content-length', 'transfer-encoding'] : [];
  return { line: status, fields: endToEnd(pairs(fields), drop), data };
}

/** How a response came to the client. */
export function responseSeen({ line, fields, data }: Message): Seen {
  return { line: line.slice(0, 3), fields: lines(pairs(fields)), data };
}

/** Says where the two differ, '' when they do not. */
export function seenDifference(seen: Seen | undefined, expected: Seen): string {
  if (seen === undefined) return `missing: ${JSON.stringify(expected)}`;
  const [is, should] = [JSON.stringify(seen), JSON.stringify(expected)];
  return is === should ? '' : `is ${is}, should be ${should}`;
}

/** One answer, or the requests, in a text that came from Fairlead; with a fault when Node would not read it so. */
export function readChecked(text: string, stream: Stream): { readonly own: OwnReading; readonly fault: string } {
  const own = ownReading(Buffer.from(text, 'latin1'), stream, [text.length]);
  const refused = own.refused === '' ? '' : `Fairlead itself sent what is refused: ${own.refused}`;
  return { own, fault: refused || parserFault(text, stream, [text.length]) };
}
