import { closest } from '../support/suggest.ts';
import type { Answer, Asked } from './endpoint.ts';
import { type EventKind, eventKinds } from './events.ts';
import type { AdminSource } from './source.ts';

const DEFAULT_LATEST = 50;

/** Begins a stream of events, or says what is wrong with what was asked. */
export function answerEvents(source: AdminSource, { parameters, headers }: Asked): Answer {
  const { last = String(DEFAULT_LATEST), kinds, traffic = 'false' } = parameters;
  if (!/^\d{1,4}$/.test(last)) return badRequest('last is no number from 0 to 9999');
  if (traffic !== 'true' && traffic !== 'false') return badRequest('traffic is neither true nor false');
  const named = kinds?.split(',').filter(Boolean);
  const unknown = named?.find((name) => !isKind(name));
  if (unknown !== undefined) return badRequest(unknownKind(unknown));
  const { 'last-event-id': lastEventId } = headers;
  const stream = source.events.open({
    lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
    latest: Number(last),
    kinds: named === undefined ? undefined : new Set(named.filter(isKind)),
    traffic: traffic === 'true',
  });
  if (stream === undefined) {
    const message = 'as many clients as may be listen to events already';
    return { status: 503, body: { error: 'too-many-clients', message }, headers: { 'retry-after': '5' } };
  }
  // Proxies such as nginx hold answers back unless they are told not to.
  return { status: 200, body: stream, contentType: 'text/event-stream', headers: { 'x-accel-buffering': 'no' } };
}

function isKind(name: string): name is EventKind {
  return eventKinds.some((kind) => kind === name);
}

function unknownKind(name: string): string {
  const meant = closest(name, eventKinds);
  return `there are no events '${name}'; ${meant === undefined ? `there are ${eventKinds.join(', ')}` : `did you mean '${meant}'?`}`;
}

function badRequest(message: string): Answer {
  return { status: 400, body: { error: 'bad-request', message } };
}
