/** Finds the inspector's address in what `node --inspect=127.0.0.1:0` writes to stderr; throws when it is not there. */
export function inspectorUrl(output: string): string {
  const url = /Debugger listening on (ws:\S+)/.exec(output)?.[1];
  if (url === undefined) throw new Error(`no inspector address in:\n${output}`);
  return url;
}

/** A request of the inspector protocol. */
interface Call {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

interface Incoming {
  readonly id?: number;
  readonly method?: string;
  readonly error?: { readonly message: string };
  readonly params?: { readonly sessionId: string; readonly message?: string };
}

const COLLECT: Call = { method: 'HeapProfiler.collectGarbage' };

/**
 * A session with the inspector of a Node process, for the main thread and its workers. V8 collects when it needs room,
 * so an idle process keeps garbage that a busy one would have reused; this asks for a full collection in every isolate.
 */
export class GarbageCollector {
  readonly #socket: WebSocket;
  readonly #workers = new Set<string>();
  readonly #waiting = new Map<number, { resolve: () => void; reject: (why: Error) => void }>();
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data))));
  }

  /** Connects and attaches to every worker thread; rejects when the address does not answer. */
  static async connect(url: string): Promise<GarbageCollector> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)));
    });
    const collector = new GarbageCollector(socket);
    await collector.#call({ method: 'NodeWorker.enable', params: { waitForDebuggerOnStart: false } });
    return collector;
  }

  /** How many heaps a collection reaches: the main thread's and that of each worker thread. */
  get heaps(): number {
    return 1 + this.#workers.size;
  }

  /** Collects twice in every isolate: the second round frees what finalizers of the first let go. */
  async collect(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      await this.#call(COLLECT);
      for (const session of this.#workers) await this.#callWorker(session, COLLECT);
    }
  }

  /** Ends the session; the process goes on. */
  close(): void {
    this.#socket.close();
  }

  #call(call: Call): Promise<void> {
    const id = this.#nextId++;
    this.#socket.send(JSON.stringify({ id, ...call }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  // A worker's own answer comes wrapped in an event, so two ids are waited for: the wrapper's and the inner one.
  async #callWorker(sessionId: string, call: Call): Promise<void> {
    const id = this.#nextId++;
    const inner = new Promise<void>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    const message = JSON.stringify({ id, ...call });
    await this.#call({ method: 'NodeWorker.sendMessageToWorker', params: { sessionId, message } });
    await inner;
  }

  #receive(incoming: Incoming): void {
    const { id, method, params, error } = incoming;
    if (method === 'NodeWorker.attachedToWorker') this.#workers.add(params!.sessionId);
    if (method === 'NodeWorker.detachedFromWorker') this.#workers.delete(params!.sessionId);
    if (method === 'NodeWorker.receivedMessageFromWorker') this.#receive(JSON.parse(params!.message!));
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    if (error === undefined) waiting.resolve();
    else waiting.reject(new Error(error.message));
  }
}
