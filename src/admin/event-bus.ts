import type { Clock, TimerHandle } from '../support/clock.ts';
import type { EventBody, EventKind, FairleadEvent, PassingBody } from './events.ts';

/** What bounds the events. */
export interface EventLimits {
  /** Events that are kept for those who come later. */
  readonly kept: number;
  /** Events of one kind that are told in a second; more are only counted. */
  readonly perSecond: number;
}

const defaultLimits: EventLimits = { kept: 1000, perSecond: 500 };

const SECOND_MS = 1000;

/** Hears an event together with its text in a stream. */
export type EventListener = (event: FairleadEvent, frame: string) => void;

/** Events that were kept, and whether some before them no longer are. */
export interface Replay {
  readonly frames: readonly string[];
  readonly missed: boolean;
}

/** What happened in an instance, in order: told to those who listen, and the last of it kept. */
export class EventBus {
  readonly #clock: Clock;
  readonly #limits: EventLimits;
  /** When this began, to tell its events from those of another process. */
  readonly #epoch = Date.now().toString(36);
  readonly #listeners = new Map<EventListener, ReadonlySet<EventKind> | undefined>();
  #kept: { readonly number: number; readonly kind: EventKind; readonly frame: string }[] = [];
  #last = 0;
  /** How many of each kind were told in this second. */
  readonly #told = new Map<EventKind, number>();
  #second: TimerHandle | undefined;

  constructor(clock: Clock, limits: Partial<EventLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** Tells and keeps what happened. Of too many of a kind only the first ones are told, and then how many more there were. */
  publish(body: EventBody): void {
    const told = (this.#told.get(body.kind) ?? 0) + 1;
    this.#told.set(body.kind, told);
    this.#second ??= this.#startSecond();
    if (told <= this.#limits.perSecond) this.#keep(body);
  }

  /** Tells how something stands to those who listen now. */
  pass(body: PassingBody): void {
    this.#tell({ ...body, id: null, at: new Date().toISOString() });
  }

  /** True when somebody wants to hear of this kind, so that it is worth finding out. */
  wants(kind: EventKind): boolean {
    return [...this.#listeners.values()].some((kinds) => kinds === undefined || kinds.has(kind));
  }

  /** Hears every event of these kinds, or of all, until what it returns is called. */
  listen(listener: EventListener, kinds?: ReadonlySet<EventKind>): () => void {
    this.#listeners.set(listener, kinds);
    return () => void this.#listeners.delete(listener);
  }

  /** What was kept after the event with this id; all that was, when that one is not known here. */
  after(id: string, kinds?: ReadonlySet<EventKind>): Replay {
    const [epoch, number] = id.split('-');
    const seen = epoch === this.#epoch && /^\d{1,15}$/.test(number ?? '') ? Number(number) : -1;
    const known = seen >= (this.#kept[0]?.number ?? this.#last + 1) - 1 && seen <= this.#last;
    const from = known ? seen : 0;
    return { frames: this.#framesOf(kinds, from), missed: !known };
  }

  /** The events that were kept last, at most so many. */
  latest(count: number, kinds?: ReadonlySet<EventKind>): readonly string[] {
    return count === 0 ? [] : this.#framesOf(kinds, 0).slice(-count);
  }

  /** Ends what runs by itself. */
  close(): void {
    if (this.#second !== undefined) this.#clock.clearTimeout(this.#second);
  }

  #framesOf(kinds: ReadonlySet<EventKind> | undefined, after: number): string[] {
    return this.#kept
      .filter(({ number, kind }) => number > after && (kinds === undefined || kinds.has(kind)))
      .map(({ frame }) => frame);
  }

  #keep(body: EventBody): void {
    const number = ++this.#last;
    const frame = this.#tell({ ...body, id: `${this.#epoch}-${number}`, at: new Date().toISOString() });
    this.#kept.push({ number, kind: body.kind, frame });
    if (this.#kept.length > this.#limits.kept) this.#kept.shift();
  }

  #tell(event: FairleadEvent): string {
    const frame = frameOf(event);
    for (const [listener, kinds] of this.#listeners) {
      if (kinds === undefined || kinds.has(event.kind)) listener(event, frame);
    }
    return frame;
  }

  #startSecond(): TimerHandle {
    const timer = this.#clock.setTimeout(() => this.#endSecond(), SECOND_MS);
    timer.unref();
    return timer;
  }

  #endSecond(): void {
    this.#second = undefined;
    for (const [of, told] of this.#told) {
      if (told > this.#limits.perSecond) this.#keep({ kind: 'skipped', of, count: told - this.#limits.perSecond });
    }
    this.#told.clear();
  }
}

/** An event in the format of server-sent events (HTML Living Standard §9.2). JSON has no line breaks, so one field holds it. */
export function frameOf(event: FairleadEvent): string {
  const id = event.id === null ? '' : `id: ${event.id}\n`;
  return `${id}event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}
