import { createServer, type Server, type Socket } from 'node:net';

/** What a backend can have wrong with it, besides being killed. */
export type BackendFault = 'none' | '503' | 'silent' | 'half' | 'slow' | 'flapping';

/** How a backend of the resilience runs is started, as JSON. */
export interface FaultySpec {
  readonly port: number;
  readonly serviceMs: number;
  /** How long it takes when it is slow. */
  readonly slowMs: number;
  /** How long it is down, and up, by turns when it flaps. */
  readonly flapMs: number;
}

const BODY = 'x'.repeat(4096);
const head = (status: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${BODY.length}\r\n\r\n`;

/** A backend that answers every GET after its time, until it is told over IPC what is wrong with it. */
class FaultyBackend {
  readonly #spec: FaultySpec;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #fault: BackendFault = 'none';

  constructor(spec: FaultySpec) {
    this.#spec = spec;
    this.#up();
  }

  suffer(fault: BackendFault): void {
    this.#fault = fault;
    if (fault === 'flapping') this.#flap();
  }

  #up(): void {
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
    this.#server.listen({ port: this.#spec.port, host: '127.0.0.1', backlog: 4096 });
  }

  #down(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #flap(): void {
    if (this.#fault !== 'flapping') return;
    if (this.#server === undefined) this.#up();
    else this.#down();
    setTimeout(() => this.#flap(), this.#spec.flapMs);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', () => {
      if (this.#fault === 'silent') return;
      const ms = this.#fault === 'slow' ? this.#spec.slowMs : this.#spec.serviceMs;
      setTimeout(() => this.#answer(socket), ms);
    });
  }

  #answer(socket: Socket): void {
    if (!socket.writable || this.#fault === 'silent') return;
    if (this.#fault === '503') socket.write(head('503 Service Unavailable') + BODY);
    else if (this.#fault === 'half') socket.write(head('200 OK') + BODY.slice(0, 1000), () => socket.resetAndDestroy());
    else socket.write(head('200 OK') + BODY);
  }
}

if (import.meta.main) {
  const backend = new FaultyBackend(JSON.parse(process.argv[2]!) as FaultySpec);
  process.on('message', (fault: BackendFault) => backend.suffer(fault));
}
