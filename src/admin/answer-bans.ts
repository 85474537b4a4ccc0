import { parseDuration } from '../support/duration.ts';
import type { Answer, Asked } from './endpoint.ts';
import type { AdminSource } from './source.ts';

/** Bans an address by hand. */
export function answerBan(source: AdminSource, { body, who }: Asked): Answer {
  const { address, listener, for: time } = body as { address: string; listener?: string; for?: string };
  const forMs = time === undefined ? undefined : parseDuration(time);
  if (time !== undefined && !forMs) return invalid(`for: '${time}' is no duration such as 250ms, 5s, 2m or 1h`);
  const listeners = source.bans.ban({ address, listener, forMs }, who);
  return typeof listeners === 'string' ? invalid(listeners) : { status: 201, body: { address, listeners } };
}

/** Lifts the bans of an address. */
export function answerLift(source: AdminSource, { parameters: { address = '' }, who }: Asked): Answer {
  const listeners = source.bans.lift(address, who);
  if (listeners.length > 0) return { status: 200, body: { address, listeners } };
  return { status: 404, body: { error: 'not-banned', message: `'${address}' is not banned` } };
}

function invalid(message: string): Answer {
  return { status: 422, body: { error: 'invalid', message } };
}
