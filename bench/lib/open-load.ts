import { connect, type Socket } from 'node:net';

/** Requests that come at their own times, whether those before them are answered or not. */
export interface OpenLoad {
  readonly port: number;
  readonly path: string;
  readonly perSecond: number;
  readonly durationMs: number;
  /** Connections at a time; a request that finds none free waits, and its time runs. */
  readonly maxConnections: number;
  /** Opens all of them before it begins. */
  readonly openFirst?: boolean;
  /** After this long a request has failed, in ms. */
  readonly timeoutMs: number;
}

/** What became of one request. */
export interface Answered {
  /** When it was to be sent, in ms from the start of the load. */
  readonly atMs: number;
  /** From then to the last byte of its answer, or to its failure, in ms. */
  readonly latencyMs: number;
  /** 0 when there was no whole answer. */
  readonly status: number;
}

/** How often what is due is sent and what is late is looked for, in ms. */
const TICK_MS = 1;
const LATE_LOOK_MS = 20;

/** How connections are opened that are to be there before: few enough at a time for any proxy. */
const OPENED_AT_ONCE = 20;
const OPENING_PAUSE_MS = 10;

/** Sends the load, and resolves with what became of each request when the last is answered or has failed. */
export async function openLoad(load: OpenLoad): Promise<Answered[]> {
  const { promise, resolve } = Promise.withResolvers<Answered[]>();
  const generator = new Generator(load, resolve);
  if (load.openFirst === true) await generator.openAll();
  generator.start();
  return promise;
}

class Generator {
  readonly #load: OpenLoad;
  readonly #done: (answers: Answered[]) => void;
  readonly #text: string;
  readonly #answers: Answered[] = [];
  readonly #idle: Client[] = [];
  readonly #open = new Set<Client>();
  readonly #waiting: number[] = [];
  #startedAt = 0;
  #due = 0;
  #timers: NodeJS.Timeout[] = [];

  constructor(load: OpenLoad, done: (answers: Answered[]) => void) {
    this.#load = load;
    this.#done = done;
    this.#text = `GET ${load.path} HTTP/1.1\r\nHost: bench\r\n\r\n`;
  }

  /** Opens every connection, and has it answer once, so that it is known to be served. */
  async openAll(): Promise<void> {
    this.#startedAt = performance.now();
    const { maxConnections } = this.#load;
    for (let i = 0; i < maxConnections; i++) {
      this.#connect()!.ask(0, this.#text);
      if (i % OPENED_AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve, OPENING_PAUSE_MS));
    }
    while (this.#answers.length < maxConnections) await new Promise((resolve) => setTimeout(resolve, LATE_LOOK_MS));
    this.#answers.length = 0;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#timers = [setInterval(() => this.#tick(), TICK_MS), setInterval(() => this.#dropLate(), LATE_LOOK_MS)];
  }

  get #nowMs(): number {
    return performance.now() - this.#startedAt;
  }

  #tick(): void {
    const { perSecond, durationMs } = this.#load;
    // Read once: at a later moment the time may be over while the last request is not due yet.
    const nowMs = this.#nowMs;
    const until = Math.floor((Math.min(nowMs, durationMs) / 1000) * perSecond);
    while (this.#due < until) this.#waiting.push((1000 * this.#due++) / perSecond);
    this.#sendWaiting();
    if (nowMs < durationMs || this.#answers.length < this.#due) return;
    for (const timer of this.#timers) clearInterval(timer);
    for (const client of this.#open) client.socket.destroy();
    this.#done(this.#answers);
  }

  #sendWaiting(): void {
    let sent = 0;
    while (sent < this.#waiting.length) {
      const client = this.#idle.pop() ?? this.#connect();
      if (client === undefined) break;
      client.ask(this.#waiting[sent++]!, this.#text);
    }
    this.#waiting.splice(0, sent);
  }

  #connect(): Client | undefined {
    if (this.#open.size >= this.#load.maxConnections) return undefined;
    const client = new Client(this.#load.port, {
      onAnswer: (atMs, status) => this.#answered(atMs, status, client),
      onEnd: (atMs, unsent) => this.#ended(client, atMs, unsent),
    });
    this.#open.add(client);
    return client;
  }

  #answered(atMs: number, status: number, client: Client): void {
    this.#answers.push({ atMs, latencyMs: this.#nowMs - atMs, status });
    if (this.#open.has(client)) this.#idle.push(client);
  }

  /** A connection is over. A request that went out on one which had been idle is sent once more, as browsers do. */
  #ended(client: Client, atMs: number | undefined, again: boolean): void {
    this.#open.delete(client);
    const at = this.#idle.indexOf(client);
    if (at >= 0) this.#idle.splice(at, 1);
    if (atMs === undefined) return;
    if (again) this.#waiting.unshift(atMs);
    else this.#answers.push({ atMs, latencyMs: this.#nowMs - atMs, status: 0 });
  }

  #dropLate(): void {
    const latest = this.#nowMs - this.#load.timeoutMs;
    for (const client of this.#open) if (client.atMs !== undefined && client.atMs < latest) client.giveUp();
    while (this.#waiting.length > 0 && this.#waiting[0]! < latest) {
      const atMs = this.#waiting.shift()!;
      this.#answers.push({ atMs, latencyMs: this.#nowMs - atMs, status: 0 });
    }
  }
}

interface ClientEvents {
  onAnswer(atMs: number, status: number): void;
  onEnd(atMs: number | undefined, again: boolean): void;
}

/** One kept connection, with at most one request on it. */
class Client {
  readonly socket: Socket;
  /** When the request under way was to be sent; undefined while there is none. */
  atMs: number | undefined;
  readonly #events: ClientEvents;
  #text = '';
  #asked = 0;
  #mayAskAgain = false;
  #over = false;

  constructor(port: number, events: ClientEvents) {
    this.#events = events;
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => this.#read(chunk));
    this.socket.on('error', () => {});
    this.socket.on('end', () => this.#end());
    this.socket.on('close', () => this.#end());
  }

  ask(atMs: number, text: string): void {
    this.atMs = atMs;
    this.#mayAskAgain = this.#asked++ > 0;
    this.socket.write(text);
  }

  giveUp(): void {
    this.#mayAskAgain = false;
    this.socket.destroy();
    this.#end();
  }

  #read(chunk: string): void {
    if (this.atMs === undefined) return void this.socket.destroy();
    this.#text += chunk;
    const headEnd = this.#text.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#text.slice(0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#text.length < headEnd + 4 + length) return;
    const { atMs } = this;
    this.atMs = undefined;
    this.#text = '';
    if (/\r\nconnection: *close/i.test(head)) {
      this.socket.destroy();
      this.#end();
    }
    this.#events.onAnswer(atMs, Number(head.slice(9, 12)));
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.socket.destroy();
    this.#events.onEnd(this.atMs, this.#mayAskAgain && this.#text === '');
  }
}
