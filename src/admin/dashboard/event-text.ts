import type { FairleadEvent } from '../events.ts';

/** An event in words. */
export function eventText(event: FairleadEvent): string {
  switch (event.kind) {
    case 'health':
      return `${event.backend} in ${event.pool} is ${event.to}, was ${event.from}: ${event.reason}`;
    case 'reload':
      return event.result === 'applied'
        ? `config ${event.generation} is in force`
        : `a config was refused: ${event.problems.join('; ')}`;
    case 'worker':
      return `worker ${event.worker} ${event.to === 'died' ? `died: ${event.reason || 'nobody knows why'}` : 'is replaced'}`;
    case 'listener':
      return `listener ${event.listener}: ${event.trouble}`;
    case 'instance':
      return event.to === 'open' ? 'the listeners are open' : 'Fairlead drains and will end';
    case 'change':
      return `${event.who} changed ${event.backend} in ${event.pool}: ${changeText(event)}`;
    case 'drained':
      return `${event.backend} in ${event.pool} is drained${event.removed ? ' and has left' : ''}`;
    case 'ban':
      return `${event.address} is ${event.to === 'banned' ? `banned: ${event.cause || 'by hand'}` : 'no longer banned'}`;
    case 'skipped':
      return `${event.count} more of ${event.of} in one second`;
    case 'missed':
      return 'events from before are gone';
    default:
      return event.kind;
  }
}

function changeText({ what, from, to }: Extract<FairleadEvent, { kind: 'change' }>): string {
  if (what === 'added' || what === 'removed') return what;
  return `${what} ${from ?? 'none'} → ${to ?? 'none'}`;
}

/** How good an event is. */
export function toneOfEvent(event: FairleadEvent): 'good' | 'warn' | 'bad' | 'plain' {
  switch (event.kind) {
    case 'health':
      return event.to === 'up' ? 'good' : event.to === 'down' ? 'bad' : 'warn';
    case 'reload':
      return event.result === 'applied' ? 'good' : 'bad';
    case 'worker':
      return event.to === 'died' ? 'bad' : 'good';
    case 'listener':
      return 'bad';
    case 'instance':
      return event.to === 'open' ? 'good' : 'warn';
    default:
      return 'plain';
  }
}
