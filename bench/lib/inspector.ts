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
  readonly result?: unknown;
  readonly params?: { readonly sessionId: string; readonly message?: string };
}

interface Waiting {
  resolve(result: unknown): void;
  reject(why: Error): void;
}

/** A session with the inspector of a Node process, for the main thread and its workers. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #workers = new Set<string>();
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data))));
  }

  /** Connects and attaches to every worker thread; rejects when the address does not answer. */
  static async connect(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)));
    });
    const inspector = new Inspector(socket);
    await inspector.#call({ method: 'NodeWorker.enable', params: { waitForDebuggerOnStart: false } });
    return inspector;
  }

  /** How many threads with a heap of their own there are: the main one and each worker. */
  get threads(): number {
    return 1 + this.#workers.size;
  }

  /**
   * A full collection in every thread, twice: the second round frees what finalizers of the first let go. V8 collects
   * when it needs room, so an idle process keeps garbage that a busy one would have reused.
   */
  async collect(): Promise<void> {
    for (let round = 0; round < 2; round++) await this.#callAll({ method: 'HeapProfiler.collectGarbage' });
  }

  /** Bytes of JavaScript objects, the main thread first; without `collect` there is garbage among them. */
  async heapUsed(): Promise<number[]> {
    const answers = await this.#callAll({ method: 'Runtime.getHeapUsage' });
    return answers.map((answer) => (answer as { usedSize: number }).usedSize);
  }

  /** What an expression gives in every thread, the main one first; it has to be plain data. */
  async evaluate(expression: string): Promise<unknown[]> {
    const answers = await this.#callAll({ method: 'Runtime.evaluate', params: { expression, returnByValue: true } });
    return answers.map((answer) => (answer as { result: { value?: unknown } }).result.value);
  }

  /** Ends the session; the process goes on. */
  close(): void {
    this.#socket.close();
  }

  async #callAll(call: Call): Promise<unknown[]> {
    const answers = [await this.#call(call)];
    for (const session of this.#workers) answers.push(await this.#callWorker(session, call));
    return answers;
  }

  #call(call: Call): Promise<unknown> {
    const id = this.#nextId++;
    this.#socket.send(JSON.stringify({ id, ...call }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  // A worker's own answer comes wrapped in an event, so two ids are waited for: the wrapper's and the inner one.
  async #callWorker(sessionId: string, call: Call): Promise<unknown> {
    const id = this.#nextId++;
    const inner = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    const message = JSON.stringify({ id, ...call });
    await this.#call({ method: 'NodeWorker.sendMessageToWorker', params: { sessionId, message } });
    return inner;
  }

  #receive(incoming: Incoming): void {
    const { id, method, params, error, result } = incoming;
    if (method === 'NodeWorker.attachedToWorker') this.#workers.add(params!.sessionId);
    if (method === 'NodeWorker.detachedFromWorker') this.#workers.delete(params!.sessionId);
    if (method === 'NodeWorker.receivedMessageFromWorker') this.#receive(JSON.parse(params!.message!));
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(new Error(error.message));
  }
}
