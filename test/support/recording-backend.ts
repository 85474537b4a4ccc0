import { once } from 'node:events';
import net from 'node:net';
import { type HttpText, readMessage } from './http-text.ts';
import { retire } from './kept-ports.ts';
import { remember } from './opened.ts';

/** A connection that a recording backend took. */
export interface RecordedConnection {
  readonly socket: net.Socket;
  /** Every byte that came, as latin1 text. */
  text: string;
  /** How the other side ended it: by a FIN or a reset; undefined while it is open. */
  ending: 'fin' | 'reset' | undefined;
  /** Complete requests in it. */
  readonly requests: HttpText[];
}

/** What a recording backend does with a complete request: text to send, or nothing when it answers by the socket itself. */
export type Answering = (request: HttpText, connection: RecordedConnection) => string | undefined;

/** A backend that keeps every byte it gets. */
export interface RecordingBackend {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly connections: readonly RecordedConnection[];
  /** Complete requests over all connections, in the order they came. */
  readonly requests: readonly HttpText[];
  /** All bytes of all connections, connection after connection. */
  readonly text: string;
  /** Forgets what it has seen of connections that are over, and cuts those that are open. */
  forget(): void;
  /** Stops listening and cuts its connections. */
  close(): Promise<void>;
}

/** An answer with a body of known length. */
export function answerText(body: string, status = '200 OK', fields: readonly string[] = []): string {
  return [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

/** Starts a backend on a free port (or `port`) that answers every complete request; with `ok` unless told otherwise. */
export async function startBackend(answer: Answering | string = answerText('ok'), port = 0): Promise<RecordingBackend> {
  const connections: RecordedConnection[] = [];
  const requests: HttpText[] = [];
  const listener = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection: RecordedConnection = { socket, text: '', ending: undefined, requests: [] };
    connections.push(connection);
    record(connection, (request) => {
      requests.push(request);
      const text = typeof answer === 'string' ? answer : answer(request, connection);
      if (text !== undefined) socket.write(text, 'latin1');
    });
  });
  listener.listen({ host: '127.0.0.1', port });
  await once(listener, 'listening');
  const cut = (): void => {
    for (const { socket } of connections.splice(0)) socket.destroy();
  };
  return remember({
    address: `127.0.0.1:${(listener.address() as net.AddressInfo).port}`,
    connections,
    requests,
    get text() {
      return connections.map(({ text }) => text).join('');
    },
    forget() {
      cut();
      requests.length = 0;
    },
    async close() {
      cut();
      await retire(listener);
    },
  });
}

/** Keeps what comes on a connection and reports each request as soon as it is complete. */
function record(connection: RecordedConnection, onRequest: (request: HttpText) => void): void {
  const { socket } = connection;
  let pending = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    connection.text += chunk;
    pending += chunk;
    for (let request = readMessage(pending); request !== undefined; request = readMessage(pending)) {
      pending = pending.slice(request.length);
      connection.requests.push(request);
      onRequest(request);
    }
  });
  socket.on('end', () => {
    connection.ending ??= 'fin';
    socket.end();
  });
  socket.on('error', () => {
    connection.ending ??= 'reset';
  });
  socket.on('close', () => {
    connection.ending ??= 'fin';
  });
}
