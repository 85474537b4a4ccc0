import { announcement, dismiss, notices } from './notices.ts';

/** Takes a notice away; the focus, which was on its button, goes back to the content. */
function close(id: number): void {
  dismiss(id);
  document.querySelector<HTMLElement>('#main')?.focus({ preventScroll: true });
}

/** What was done and what went wrong, in a corner; and the region that a screen reader listens to. */
export function Notices() {
  return (
    <>
      <p class="unseen" role="status">
        {announcement.value}
      </p>
      <section class="notices" aria-label="Messages">
        {notices.value.map(({ id, tone, text, details }) => (
          <div key={id} class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
            <p>{text}</p>
            {details.length > 0 && (
              <ul>
                {details.map((detail) => (
                  <li key={detail}>{detail}</li>
                ))}
              </ul>
            )}
            <button type="button" class="quiet" aria-label="Dismiss" onClick={() => close(id)}>
              ×
            </button>
          </div>
        ))}
      </section>
    </>
  );
}
