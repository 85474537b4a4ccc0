import { once } from 'node:events';
import net from 'node:net';
import { type HttpText, readMessage } from '../support/http-text.ts';

/** What a backend does with a complete request: it is called with the request's number since the last `begin`. */
export type LanePlay = (socket: net.Socket, request: HttpText, index: number) => void;

interface LaneConnection {
  readonly socket: net.Socket;
  /** Every byte of a case, and what began before it. */
  text: string;
  /** How much of `text` is complete requests. */
  used: number;
}

/** The backend of one lane: it keeps every byte of the case under way, and plays what the case says. */
export class LaneBackend {
  #connections = new Set<LaneConnection>();
  #requests: HttpText[] = [];
  #texts: string[] = [];
  #play: LanePlay = () => {};
  readonly #server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#take(socket));

  /** Listens on a free port and returns `127.0.0.1:port`. */
  async listen(): Promise<string> {
    this.#server.listen({ host: '127.0.0.1', port: 0 });
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  #take(socket: net.Socket): void {
    const connection: LaneConnection = { socket, text: '', used: 0 };
    this.#connections.add(connection);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      connection.text += chunk;
      this.#read(connection);
    });
    socket.on('end', () => socket.end());
    // A reset is how Fairlead drops what it does not need; the close that follows is what counts.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#connections.delete(connection);
      if (connection.text !== '') this.#texts.push(connection.text);
    });
  }

  #read(connection: LaneConnection): void {
    for (;;) {
      const request = readMessage(connection.text.slice(connection.used));
      if (request === undefined) return;
      connection.used += request.length;
      this.#requests.push(request);
      this.#play(connection.socket, request, this.#requests.length - 1);
    }
  }

  /** A case begins: what the one before left on connections that are kept is forgotten. */
  begin(play: LanePlay): void {
    this.#play = play;
    this.#requests = [];
    this.#texts = [];
    for (const connection of this.#connections) {
      connection.text = connection.text.slice(connection.used);
      connection.used = 0;
    }
  }

  /** Complete requests of this case. */
  get requests(): readonly HttpText[] {
    return this.#requests;
  }

  /** What came on each connection since the case began. */
  get texts(): readonly string[] {
    return [...this.#texts, ...[...this.#connections].map(({ text }) => text)].filter((text) => text !== '');
  }

  /** A request has begun to come on a connection that is open. */
  get isMidRequest(): boolean {
    return [...this.#connections].some(({ text, used }) => text.length > used);
  }

  /** Stops listening and cuts its connections. */
  close(): void {
    for (const { socket } of this.#connections) socket.destroy();
    this.#server.close();
  }
}
