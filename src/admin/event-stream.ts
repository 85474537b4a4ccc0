import { Readable } from 'node:stream';
import { type EventBus, frameOf, type Replay } from './event-bus.ts';
import type { EventKind } from './events.ts';
import type { Traffic, TrafficListener } from './traffic.ts';

/** What bounds the streams of events. */
export interface StreamLimits {
  /** Clients at once. */
  readonly clients: number;
  /** Bytes that may wait for a client that does not read; one with more is cut off, and comes back for the rest. */
  readonly waitingBytes: number;
  /** How often a client is shown that the connection stands, in ms. */
  readonly heartbeatMs: number;
}

const defaultLimits: StreamLimits = { clients: 64, waitingBytes: 1024 * 1024, heartbeatMs: 15_000 };

/** How soon a browser comes back after its connection was lost, in ms. */
const RETRY_MS = 1000;

/** What a client wants to hear. */
export interface StreamRequest {
  /** The id of the last event that it has; undefined when it has none. */
  readonly lastEventId: string | undefined;
  /** How many of the latest events it wants when it has none. */
  readonly latest: number;
  /** Undefined for all. */
  readonly kinds: ReadonlySet<EventKind> | undefined;
  /** Also wants to hear of the traffic, once a second. */
  readonly traffic: boolean;
}

/** Tells of the traffic until what it returns is called. */
export type WatchTraffic = (listener: TrafficListener) => () => void;

const noTraffic: WatchTraffic = () => () => undefined;

/** The clients that listen to events. */
export class EventStreams {
  readonly #bus: EventBus;
  readonly #limits: StreamLimits;
  readonly #watch: WatchTraffic;
  readonly #open = new Set<EventStream>();

  constructor(bus: EventBus, limits: Partial<StreamLimits> = {}, watch: WatchTraffic = noTraffic) {
    this.#bus = bus;
    this.#watch = watch;
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** The stream for one more client; undefined when there are too many. */
  open(request: StreamRequest): Readable | undefined {
    if (this.#open.size >= this.#limits.clients) return undefined;
    const stream = new EventStream(this.#limits, (ended) => this.#open.delete(ended));
    this.#open.add(stream);
    stream.begin(this.#bus, request);
    if (request.traffic) stream.follow(this.#watch);
    return stream;
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of this.#open) stream.destroy();
  }
}

/** One client's stream. */
class EventStream extends Readable {
  readonly #limits: StreamLimits;
  readonly #onEnd: (stream: EventStream) => void;
  #heartbeat: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;
  #stopFollowing: (() => void) | undefined;

  constructor(limits: StreamLimits, onEnd: (stream: EventStream) => void) {
    super({ encoding: 'utf8', highWaterMark: limits.waitingBytes });
    this.#limits = limits;
    this.#onEnd = onEnd;
  }

  begin(bus: EventBus, { lastEventId, latest, kinds }: StreamRequest): void {
    const replay: Replay =
      lastEventId === undefined ? { frames: bus.latest(latest, kinds), missed: false } : bus.after(lastEventId, kinds);
    const missed = replay.missed ? frameOf({ kind: 'missed', id: null, at: new Date().toISOString() }) : '';
    this.push(`retry: ${RETRY_MS}\n\n${missed}${replay.frames.join('')}`);
    this.#stopListening = bus.listen((event, frame) => {
      // What is not kept is of no use any more by the time that a slow client gets to it.
      if (event.id === null && this.readableLength > 0) return;
      this.#send(frame);
    }, kinds);
    this.#heartbeat = setInterval(() => this.#send(':\n\n'), this.#limits.heartbeatMs);
    this.#heartbeat.unref();
  }

  /** Hears of the traffic too. One that does not keep up gets less of it, and always the latest. */
  follow(watch: WatchTraffic): void {
    this.#stopFollowing = watch((traffic) => {
      if (this.readableLength === 0) this.push(trafficFrame(traffic));
    });
  }

  #send(text: string): void {
    if (this.readableLength + text.length > this.#limits.waitingBytes) this.destroy();
    else this.push(text);
  }

  override _read(): void {}

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#heartbeat);
    this.#stopListening?.();
    this.#stopFollowing?.();
    this.#onEnd(this);
    done(error);
  }
}

let framed: { readonly traffic: Traffic; readonly frame: string } | undefined;

/** The text of the traffic in a stream, which is made once for all who hear of it. */
function trafficFrame(traffic: Traffic): string {
  if (framed?.traffic !== traffic) framed = { traffic, frame: `event: traffic\ndata: ${JSON.stringify(traffic)}\n\n` };
  return framed.frame;
}
