import { type AdminClient, AdminProblem, type BackendChange, type BackendName } from '../admin-client.ts';
import { findBackend } from '../backend-command.ts';
import type { Paint } from '../colour.ts';
import type { Terminal } from '../terminal.ts';
import { renderTop } from './render.ts';
import { firstView, press, type Snapshot, statusOf, type View } from './view.ts';

/** Asks an instance for all that the screen shows. */
export async function takeSnapshot(client: AdminClient): Promise<Snapshot> {
  const [status, readiness, pools] = await Promise.all([client.status(), client.readiness(), client.pools()]);
  return { status, readiness, pools, atMs: performance.now() };
}

/** What a session works with. */
export interface SessionParts {
  readonly client: AdminClient;
  readonly terminal: Terminal;
  readonly paint: Paint;
  readonly intervalMs: number;
  readonly first: Snapshot;
  /** Ends the session from outside. */
  readonly signal: AbortSignal;
}

/** Shows an instance on the whole terminal until somebody quits; the terminal is as before then. */
export async function showTop(parts: SessionParts): Promise<void> {
  const session = new Session(parts);
  const giveBack = parts.terminal.take(
    (key) => session.onKey(key),
    () => session.draw(),
  );
  try {
    await session.run();
  } finally {
    giveBack();
  }
}

class Session {
  readonly #parts: SessionParts;
  readonly #over = Promise.withResolvers<void>();
  #view: View;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#view = firstView(parts.first);
  }

  async run(): Promise<void> {
    const { signal } = this.#parts;
    const end = (): void => this.#over.resolve();
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    this.draw();
    this.#schedule();
    await this.#over.promise;
    clearTimeout(this.#timer);
    signal.removeEventListener('abort', end);
  }

  onKey(key: string): void {
    const { view, quit, change } = press(this.#view, key);
    this.#view = view;
    if (quit === true) return this.#over.resolve();
    this.draw();
    if (change !== undefined) void this.#change(change.name, change.change);
  }

  draw(): void {
    const { terminal, paint } = this.#parts;
    const { columns, rows } = terminal;
    const lines = renderTop(this.#view, { columns, rows }, paint);
    terminal.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#refresh(), this.#parts.intervalMs);
  }

  /** An instance that is away for a while, as in a restart, is shown as it was last, and asked again. */
  async #refresh(): Promise<void> {
    try {
      const now = await takeSnapshot(this.#parts.client);
      const lost = /^cannot reach/.test(this.#view.message);
      this.#view = { ...this.#view, before: this.#view.now, now, message: lost ? '' : this.#view.message };
    } catch (error) {
      this.#view = { ...this.#view, message: messageOf(error) };
    }
    this.draw();
    this.#schedule();
  }

  async #change(name: BackendName, change: BackendChange): Promise<void> {
    const { client } = this.#parts;
    try {
      await client.change(name, change);
      const backend = await findBackend(client, name);
      const what =
        'weight' in change ? `has weight ${backend.weight}` : `is ${statusOf(backend)}, ${backend.active} active`;
      this.#view = { ...this.#view, message: `${name.pool}/${name.backend} ${what}` };
    } catch (error) {
      this.#view = { ...this.#view, message: messageOf(error) };
    }
    await this.#refresh();
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AdminProblem) return error.message;
  throw error;
}
