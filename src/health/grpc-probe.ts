import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { HttpProbeDeps } from './http-probe.ts';
import { opener, type ProbeSocket } from './open-probe.ts';
import type { Endpoint, Probe } from './probe.ts';

const CHECK = '/grpc.health.v1.Health/Check';
/** A HealthCheckRequest that names no service, in gRPC's frame: not compressed, and no bytes of a message. */
const WHOLE_SERVER = Buffer.alloc(5);
const FRAME_HEAD_BYTES = 5;
const MOST_ANSWER_BYTES = 1024;
const SERVING = 1;
const servingNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const UNIMPLEMENTED = '12';

/**
 * A backend is well when its health service says that the server as a whole is SERVING
 * (https://github.com/grpc/grpc/blob/master/doc/health-checking.md), asked over HTTP/2 on a connection of its own.
 */
export class GrpcProbe implements Probe {
  readonly #open: (to: Endpoint) => ProbeSocket;
  readonly #userAgent: string;

  constructor(deps: HttpProbeDeps) {
    this.#open = opener(deps.lookup, deps, ['h2']);
    this.#userAgent = `fairlead-health/${deps.version}`;
  }

  async check(to: Endpoint, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { socket, ready, failure } = this.#open(to);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    const scheme = ready === 'connect' ? 'http' : 'https';
    const session = connect(`${scheme}://localhost`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    });
    session.on('error', (error) => reject(sessionFailure(error, failure)));
    session.on('close', () => reject(new Error('connection closed before the answer')));
    session.on('connect', () => {
      if (ready === 'secureConnect' && (socket as TLSSocket).alpnProtocol !== 'h2')
        reject(new Error('does not agree to HTTP/2 (ALPN)'));
    });
    this.#ask(session).then(resolve, (error: Error) => reject(sessionFailure(error, failure)));
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      session.destroy();
      socket.destroy();
    }
  }

  async #ask(session: ClientHttp2Session): Promise<void> {
    const stream = session.request({
      ':method': 'POST',
      ':path': CHECK,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': this.#userAgent,
    });
    stream.end(WHOLE_SERVER);
    const { head, body, trailers } = await answerOf(stream);
    if (head[':status'] !== 200) throw new Error(`status ${head[':status']}, expected 200 of gRPC`);
    const code = trailers['grpc-status'] ?? head['grpc-status'];
    if (code === undefined) throw new Error('the answer has no grpc-status');
    if (code !== '0') throw new Error(statusText(String(code)));
    const serving = servingOf(body);
    if (serving === undefined) throw new Error('the answer is not that of a health service');
    if (serving !== SERVING) throw new Error(`the server says ${servingNames[serving] ?? serving}`);
  }
}

interface GrpcAnswer {
  readonly head: IncomingHttpHeaders & IncomingHttpStatusHeader;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

async function answerOf(stream: ClientHttp2Stream): Promise<GrpcAnswer> {
  let head: GrpcAnswer['head'] = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (came) => {
    head = came;
  });
  stream.on('trailers', (came) => {
    trailers = came;
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) throw new Error('the answer is too long for a health service');
  }
  return { head, body: Buffer.concat(chunks), trailers };
}

function statusText(code: string): string {
  if (code === UNIMPLEMENTED) return 'grpc-status 12: the backend has no grpc.health.v1.Health service';
  return `grpc-status ${code.slice(0, 10)}`;
}

/** The `status` (field 1, a varint) of a HealthCheckResponse in its frame; undefined when it is no such message. */
function servingOf(frame: Buffer): number | undefined {
  if (frame.length < FRAME_HEAD_BYTES || frame[0] !== 0) return undefined;
  if (frame.readUInt32BE(1) !== frame.length - FRAME_HEAD_BYTES) return undefined;
  const message = frame.subarray(FRAME_HEAD_BYTES);
  // A field that has its default value, here UNKNOWN, is left out.
  if (message.length === 0) return 0;
  return message.length === 2 && message[0] === 0x08 && message[1]! < 0x80 ? message[1] : undefined;
}

// node:http2 has one code for a peer that sends anything but frames.
function sessionFailure(error: NodeJS.ErrnoException, failure: (cause: Error) => Error): Error {
  if (error.code === 'ERR_HTTP2_ERROR') return new Error('answer is not HTTP/2', { cause: error });
  if (error.code === 'ERR_HTTP2_STREAM_ERROR') return new Error('the stream was reset', { cause: error });
  return error.code === undefined ? error : failure(error);
}
