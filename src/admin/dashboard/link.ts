import { signal } from '@preact/signals';
import { request } from './session.ts';
import { EventParser, type ServerEvent } from './sse.ts';

/** How the page stands with Fairlead. */
export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** It went away, at a time in ms since 1970, and why. */
  | { readonly kind: 'lost'; readonly since: number; readonly reason: string }
  /** It wants a token; `refused` when it did not take the one it was given. */
  | { readonly kind: 'locked'; readonly refused: boolean };

/** The state of the link, for whoever shows it. */
export const link = signal<LinkState>({ kind: 'connecting' });

/** Traffic comes once a second, so a stream that is still for so long is dead. */
const SILENCE_MS = 6000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 4000;

/** What a link is made of. */
export interface LinkOptions {
  /** The path of the events. */
  readonly path: string;
  /** The token in use. */
  readonly token: () => string;
  readonly onEvent: (event: ServerEvent) => void;
}

/** Keeps a stream of events open for ever: one that breaks is opened again, sooner at first than later. */
export class Link {
  readonly #options: LinkOptions;
  #lastId = '';
  #wake: (() => void) | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Runs for as long as the page lives. */
  async run(): Promise<never> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const reason = await this.#readOnce(() => {
        pauseMs = FIRST_PAUSE_MS;
      });
      const locked = link.peek().kind === 'locked';
      if (!locked && link.peek().kind !== 'lost') link.value = { kind: 'lost', since: Date.now(), reason };
      await this.#pause(locked ? undefined : pauseMs);
    }
  }

  /** Tries again now, with the token as it is by now. */
  retry(): void {
    this.#wake?.();
  }

  async #pause(ms: number | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (ms !== undefined) setTimeout(resolve, ms);
    });
    if (link.peek().kind === 'locked') link.value = { kind: 'connecting' };
  }

  /** Reads a stream to its end; resolves to why it ended. */
  async #readOnce(onLive: () => void): Promise<string> {
    const giveUp = new AbortController();
    let watchdog = setTimeout(() => giveUp.abort(), SILENCE_MS);
    try {
      const headers = {
        accept: 'text/event-stream',
        ...(this.#lastId === '' ? {} : { 'last-event-id': this.#lastId }),
      };
      const response = await request(this.#options.path, { headers, signal: giveUp.signal });
      if (response.status === 401) link.value = { kind: 'locked', refused: this.#options.token() !== '' };
      if (!response.ok || response.body === null) return `it answers with ${response.status}`;
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => giveUp.abort(), SILENCE_MS);
        if (link.peek().kind !== 'live') {
          link.value = { kind: 'live' };
          onLive();
        }
        this.#hear(parser.push(piece.value));
      }
      return 'it ended the connection';
    } catch {
      return giveUp.signal.aborted ? 'it is silent' : 'it cannot be reached';
    } finally {
      clearTimeout(watchdog);
      giveUp.abort();
    }
  }

  #hear(events: readonly ServerEvent[]): void {
    for (const event of events) {
      this.#lastId = event.id;
      this.#options.onEvent(event);
    }
  }
}
