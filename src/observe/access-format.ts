import type { AccessRecord } from './access-log.ts';
import { reasonOf } from './access-reason.ts';

/** How a line of the access log reads. */
export type AccessFormat = 'json' | 'combined';

// JSON.stringify leaves these as they are, but terminals and log viewers act on them: DEL, C1, line separators.
const unprintableInJson = /[\u007f-\u009f\u2028\u2029]/g;
const unsafeInQuotes = /[^\x20-\x7e]|["\\]/g;
const unsafeInWord = /[^\x21-\x7e]|["\\]/g;

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/** The escape of one UTF-16 unit: \xHH as nginx writes it, \uHHHH for what does not fit. */
function escaped(unit: string): string {
  const code = unit.charCodeAt(0);
  return code <= 0xff ? `\\x${hex(code, 2).toUpperCase()}` : `\\u${hex(code, 4)}`;
}

/** A text between double quotes: nothing in it can end the quotes, the line, or speak to a terminal. */
function quoted(text: string): string {
  return `"${text === '' ? '-' : text.replace(unsafeInQuotes, escaped)}"`;
}

/** A field without quotes: in addition nothing in it can end the field. */
function word(text: string): string {
  return text === '' ? '-' : text.replace(unsafeInWord, escaped);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** The time as Apache's %t has it, in UTC. */
function commonLogTime(unixMs: number): string {
  const t = new Date(unixMs);
  const day = `${two(t.getUTCDate())}/${months[t.getUTCMonth()]}/${t.getUTCFullYear()}`;
  return `[${day}:${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())} +0000]`;
}

/**
 * Apache's combined log format; the size is that of the body, as there. A request whose head could not be read has a dash
 * for its request line. A connection has no request line, status or headers: its line has the listener and the backend
 * in the request's place, and 0 for the status.
 */
function combined(record: AccessRecord): string {
  const start = `${word(record.client)} - - ${commonLogTime(record.time)}`;
  if (record.kind === 'connection')
    return `${start} ${quoted(`TCP ${record.listener} ${record.backend}`)} 0 ${record.bytesOut} "-" "-"`;
  const line = quoted(record.method && `${record.method} ${record.target} ${record.protocol}`);
  return `${start} ${line} ${record.status} ${record.bodyBytesOut} ${quoted(record.referer)} ${quoted(record.userAgent)}`;
}

function json(record: AccessRecord): string {
  const { kind, time, ...rest } = record;
  const text = JSON.stringify({
    time: new Date(time).toISOString(),
    kind,
    ...rest,
    cause: undefined,
    reason: reasonOf(record),
  });
  return text.replace(unprintableInJson, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`);
}

/**
 * One line of the access log, without its line feed. Whatever a client sent, the line stays one line and a field stays
 * one field, and no control character is left in it.
 */
export function formatAccess(record: AccessRecord, format: AccessFormat): string {
  return format === 'json' ? json(record) : combined(record);
}
