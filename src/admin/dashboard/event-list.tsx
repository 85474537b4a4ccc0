import { eventText, toneOfEvent } from './event-text.ts';
import { clockTime } from './format.ts';
import { events } from './store.ts';

/** What happened lately. It is no live region: what matters of it is announced. */
export function EventList() {
  const list = events.value;
  return (
    <section id="events" class="card" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard. */}
      <section class="scroll tall" aria-label="Events, the latest first" tabIndex={0}>
        {list.length === 0 && <p class="empty">Nothing has happened yet.</p>}
        <ol class="events">
          {list.map(({ key, at, event }) => (
            <li key={key} class={toneOfEvent(event)}>
              <time dateTime={event.at}>{clockTime(at)}</time>
              <span>{eventText(event)}</span>
            </li>
          ))}
        </ol>
      </section>
    </section>
  );
}
