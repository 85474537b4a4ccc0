import { EventSource } from 'eventsource';
import { type EventKind, eventKinds, type FairleadEvent } from '../../src/admin/events.ts';
import { remember } from './opened.ts';

/** Listens to the events of an admin server at `host:port`, from its first one on; ends with the test. */
export function listenToEvents(address: string): { readonly heard: readonly FairleadEvent[] } {
  const heard: FairleadEvent[] = [];
  const source = new EventSource(`http://${address}/api/events?last=999`);
  for (const kind of eventKinds) source.addEventListener(kind, ({ data }) => heard.push(JSON.parse(data)));
  remember({ close: async () => source.close() });
  return { heard };
}

/** Those of one kind. */
export function ofKind<K extends EventKind>(heard: readonly FairleadEvent[], kind: K) {
  return heard.filter((event): event is Extract<FairleadEvent, { kind: K }> => event.kind === kind);
}
