import { type AdminClient, AdminProblem } from '../admin-client.ts';
import type { Paint } from '../colour.ts';
import type { Terminal } from '../terminal.ts';
import { renderTop } from './render.ts';
import { changeFor, firstView, press, type Snapshot, statusOf, type View, type Wish, withChanged } from './view.ts';

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
  /** Versions of pools that a change of this session has replaced, and by which: who has seen the one knows the other. */
  readonly #ownVersions = new Map<string, string>();
  #view: View;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;
  /** Requests go out one after another, so that what is shown is never older than what a change has made of it. */
  #last: Promise<void> = Promise.resolve();

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
    this.#ended = true;
    clearTimeout(this.#timer);
    signal.removeEventListener('abort', end);
  }

  onKey(key: string): void {
    const { view, quit, wish } = press(this.#view, key);
    this.#view = view;
    if (quit === true) return this.#over.resolve();
    this.draw();
    if (wish !== undefined) this.#inTurn(() => this.#fulfil(wish));
  }

  /** Draws the screen, unless the terminal has been given back: an answer may come after that. */
  draw(): void {
    if (this.#ended) return;
    const { terminal, paint } = this.#parts;
    const { columns, rows } = terminal;
    const lines = renderTop(this.#view, { columns, rows }, paint);
    terminal.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
  }

  #inTurn(work: () => Promise<void>): void {
    this.#last = this.#last.then(work);
  }

  #schedule(): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#inTurn(() => this.#refresh()), this.#parts.intervalMs);
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

  async #fulfil(wish: Wish): Promise<void> {
    let message: string;
    try {
      message = await this.#change(wish);
    } catch (error) {
      message = messageOf(error);
    }
    this.#view = { ...this.#view, message };
    await this.#refresh();
  }

  /** Makes a change, unless another has changed the pool since the wish; gives back what is then to be said of it. */
  async #change(wish: Wish): Promise<string> {
    const { name } = wish;
    const called = `${name.pool}/${name.backend}`;
    const change = changeFor(this.#view.now, wish);
    if (change === undefined) return `${called} is gone`;
    const version = this.#ownVersion(wish.version);
    const changed = await this.#parts.client.change(name, change, version);
    if (changed.version !== undefined && changed.version !== version) this.#ownVersions.set(version, changed.version);
    this.#view = { ...this.#view, now: withChanged(this.#view.now, name, changed) };
    const { backend } = changed;
    if ('weight' in change) return `${called} has weight ${backend.weight}`;
    return `${called} is ${statusOf(backend)}, ${backend.active} active`;
  }

  /** The version that a pool has after the changes of this session that followed the one that was seen. */
  #ownVersion(seen: string): string {
    let version = seen;
    for (let next: string | undefined = seen; next !== undefined; next = this.#ownVersions.get(version)) version = next;
    return version;
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AdminProblem) return error.message;
  throw error;
}
