import { signal } from '@preact/signals';

/** Something that is said to the user for a while. */
export interface Notice {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly text: string;
  /** More, line by line. */
  readonly details: readonly string[];
}

/** What is being said, the oldest first. */
export const notices = signal<readonly Notice[]>([]);
/** What a screen reader is to say by itself. */
export const announcement = signal('');

const GOOD_FOR_MS = 6000;
const MOST_NOTICES = 4;
const CHATTER_MS = 4000;
let lastId = 0;

/** Says something. What is good and short goes away by itself; anything else stays until it is dismissed. */
export function say(tone: Notice['tone'], text: string, details: readonly string[] = []): void {
  const id = ++lastId;
  notices.value = [...notices.value, { id, tone, text, details }].slice(-MOST_NOTICES);
  if (tone === 'good' && details.length === 0) setTimeout(() => dismiss(id), GOOD_FOR_MS);
}

/** Takes a notice away. */
export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

let waiting: string[] = [];

/** Announces a change of health that is news; several within a few seconds as one sentence. */
export function announceHealth(change: { pool: string; backend: string; to: string }, at: number): void {
  if (Date.now() - at > CHATTER_MS) return;
  waiting.push(`backend ${change.backend} of pool ${change.pool} is ${change.to}`);
  if (waiting.length > 1) return;
  setTimeout(() => {
    announcement.value =
      waiting.length > 2 ? `the health of ${waiting.length} backends has changed` : waiting.join(', ');
    waiting = [];
  }, CHATTER_MS / 4);
}
