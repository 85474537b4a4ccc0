import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { TestAuthority } from '../support/certificates.ts';
import { remember } from '../support/opened.ts';

/** Fields of requests that the contract lets Fairlead add, and those that end at each hop. */
const ownFields = /^(x-forwarded-(for|proto|host)|x-request-id|connection|keep-alive)$/i;

/** Fields that only one version of HTTP has. */
const versionFields = /^(:.*|host|transfer-encoding|upgrade|http2-settings)$/;

const large = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 31 + (i >> 8)) & 255));
const text = 'The quick brown fox jumps over the lazy dog.\n'.repeat(50);
const etag = '"v1"';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** What the backend has seen of a request, but for what the contract lets Fairlead change. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const { rawHeaders } = request;
  const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]!] as const] : []));
  tellOf(
    request,
    response,
    pairs.filter(([name]) => !ownFields.test(name)),
  );
}

/** As `echo`, but for what the versions of HTTP write differently: the case and order of fields, and where a body ends. */
function meant(request: IncomingMessage, response: ServerResponse): void {
  const fields = Object.entries(request.headers).filter(([name]) => !ownFields.test(name) && !versionFields.test(name));
  const host = request.headers.host ?? request.headers[':authority'];
  tellOf(request, response, [['host', host], ...fields.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

function tellOf(request: IncomingMessage, response: ServerResponse, fields: readonly unknown[]): void {
  const hash = createHash('sha256');
  let bytes = 0;
  request.on('data', (part: Buffer) => {
    bytes += part.length;
    hash.update(part);
  });
  request.on('end', () => {
    const { method, url, rawTrailers } = request;
    const seen = JSON.stringify({ method, url, fields, rawTrailers, bytes, sha256: hash.digest('hex') });
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(seen) });
    response.end(seen);
  });
}

function range({ headers }: IncomingMessage, response: ServerResponse): void {
  const wanted = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '');
  if (wanted === null) return void response.writeHead(200, { 'Accept-Ranges': 'bytes' }).end(text);
  const from = Number(wanted[1]);
  const to = wanted[2] === '' ? text.length - 1 : Number(wanted[2]);
  if (from >= text.length) return void response.writeHead(416, { 'Content-Range': `bytes */${text.length}` }).end();
  const fields = { 'Content-Range': `bytes ${from}-${to}/${text.length}` };
  response.writeHead(206, fields).end(text.slice(from, to + 1));
}

const answers: Readonly<Record<string, Answer>> = {
  '/echo': echo,
  '/meant': meant,
  '/range': range,
  '/hello': (_, response) => {
    const fields = ['X-MiXeD-CaSe', 'Kept', 'Set-Cookie', 'a=1; Path=/', 'Set-Cookie', 'b=2', 'x-empty', ''];
    response.writeHead(200, 'Very Well', [...fields, 'Content-Type', 'text/plain', 'Content-Length', '6']);
    response.end('hello\n');
  },
  '/large': (_, response) => response.writeHead(200, { 'Content-Length': large.length }).end(large),
  '/chunked': (_, response) => {
    for (let i = 0; i < 20; i++) response.write(text.slice(0, i * 100));
    response.end();
  },
  '/gzip': ({ headers }, response) => {
    if (!/gzip/.test(headers['accept-encoding'] ?? ''))
      return response.writeHead(200, { Vary: 'Accept-Encoding' }).end(text);
    return response.writeHead(200, { Vary: 'Accept-Encoding', 'Content-Encoding': 'gzip' }).end(gzipSync(text));
  },
  '/redirect': (_, response) => response.writeHead(302, { Location: '/hello' }).end('elsewhere\n'),
  '/see-other': (request, response) => {
    const to = request.url!.split('?to=')[1] ?? '/echo';
    request.resume().on('end', () => response.writeHead(303, { Location: to }).end());
  },
  '/204': (_, response) => response.writeHead(204, { 'X-Empty-On-Purpose': 'yes' }).end(),
  '/cached': ({ headers }, response) => {
    if (headers['if-none-match'] === etag) return response.writeHead(304, { ETag: etag }).end();
    return response.writeHead(200, { ETag: etag }).end(text);
  },
  '/trailers': (_, response) => {
    response.writeHead(200, { Trailer: 'X-Checksum, X-Second' });
    response.write('the body\n');
    response.addTrailers({ 'X-Checksum': 'abc', 'X-Second': 'def' });
    response.end();
  },
  '/hints': (_, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    response.writeHead(200).end('after a hint\n');
  },
  '/events': (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('id: 1\ndata: one\n\n');
    setTimeout(() => response.write('event: named\nid: 2\ndata: two\ndata: lines\n\n'), 50);
  },
  '/page': (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end('<!doctype html><title>A page</title><script src="/script.js"></script>');
  },
  '/script.js': (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/javascript' }).end('globalThis.loaded = true;');
  },
  '/until-close': (_, response) => {
    const { stream } = response as unknown as { stream?: object };
    if (stream !== undefined) return void response.writeHead(200).end('until the end\n');
    response.socket!.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end\n');
  },
  '/broken-without-length': (_, response) => {
    const { stream, socket } = response as unknown as { stream?: http2.ServerHttp2Stream; socket: Socket };
    response.writeHead(200);
    response.write('part', () => {
      setTimeout(() => {
        if (stream !== undefined) stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
        else socket.resetAndDestroy();
      }, 50);
    });
  },
  '/broken-until-close': (_, response) => {
    const { stream, socket } = response as unknown as { stream?: http2.ServerHttp2Stream; socket: Socket };
    if (stream !== undefined) return answers['/broken-without-length']!(_, response);
    socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart', () =>
      setTimeout(() => socket.resetAndDestroy(), 50),
    );
  },
  '/broken': (_, response) => {
    const { stream } = response as unknown as { stream?: http2.ServerHttp2Stream };
    if (stream !== undefined) {
      response.writeHead(200, { 'Content-Length': 100 });
      return void response.write('part', () =>
        setTimeout(() => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR), 50),
      );
    }
    const { socket } = response;
    socket!.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart', () => setTimeout(() => socket!.destroy(), 50));
  },
  '/500': (_, response) => response.writeHead(500, { 'X-Reason': 'on purpose' }).end('failed\n'),
  '/teapot': (_, response) => response.writeHead(418, "I'm a teapot").end('short and stout\n'),
};

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false;
  const path = request.url!.split('?')[0]!;
  const known = answers[path];
  if (known === undefined) response.writeHead(404).end('not here\n');
  else known(request, response);
}

function checkContinue(request: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false;
  if (request.headers['x-refuse'] !== undefined) return void response.writeHead(417).end('not that one\n');
  response.writeContinue();
  answer(request, response);
}

/** WebSockets that send back what they get, and end as they are told to. */
function webSockets(): WebSocketServer {
  const choose = (offered: ReadonlySet<string>) => (offered.has('chat') ? 'chat' : false);
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: choose, perMessageDeflate: true });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => {
      if (String(data) === 'end') socket.close(4000, 'as you like');
      else socket.send(data, { binary: isBinary });
    });
  });
  return sockets;
}

/** Nobody upgrades to HTTP/2 in the clear any more (RFC 9113 §3.1). */
const shouldUpgradeCallback = ({ headers }: IncomingMessage): boolean => headers.upgrade !== 'h2c';

/** Gives a server every answer, to whatever version of HTTP it speaks. */
function serve(server: http.Server | http2.Http2SecureServer | http2.Http2Server, sockets: WebSocketServer): Server {
  const either = server as http.Server;
  either.on('request', answer);
  either.on('checkContinue', checkContinue);
  either.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (request.url === '/chat')
      return sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request));
    if (request.url === '/no-upgrade')
      return void socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n');
    socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nwelcome to the other side\n',
    );
  });
  return either;
}

async function portOf(server: Server): Promise<number> {
  const open = new Set<Socket>();
  const keep = (socket: Socket): void => {
    open.add(socket.on('close', () => open.delete(socket)).on('error', () => {}));
  };
  server
    .on('connection', keep)
    .on('secureConnection', keep)
    .on('session', (session: http2.Http2Session) => {
      session.on('error', () => {});
    });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  remember({
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  });
  return (server.address() as AddressInfo).port;
}

/** Where a backend that answers in all the ways there are listens: with HTTP/1.1, HTTP/2 in the clear, and both over TLS. */
export interface EveryAnswer {
  /** Of the port for HTTP/1.1. */
  readonly address: string;
  readonly port: number;
  readonly h2Port: number;
  readonly tlsPort: number;
}

/** Starts such a backend on free ports; its certificate is for `host`. */
export async function startEveryAnswer(host = 'localhost'): Promise<EveryAnswer> {
  const { cert, key } = new TestAuthority().for(host);
  const sockets = webSockets();
  const secure = { cert: readFileSync(cert), key: readFileSync(key), allowHTTP1: true };
  const [port, h2Port, tlsPort] = await Promise.all([
    portOf(serve(http.createServer({ shouldUpgradeCallback }), sockets)),
    portOf(serve(http2.createServer(), sockets)),
    portOf(serve(http2.createSecureServer(secure), sockets)),
  ]);
  return { address: `127.0.0.1:${port}`, port, h2Port, tlsPort };
}
