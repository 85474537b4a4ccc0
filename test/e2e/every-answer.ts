import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { remember } from '../support/opened.ts';

/** Fields of requests that the contract lets Fairlead add, and those that end at each hop. */
const ownFields = /^(x-forwarded-(for|proto|host)|x-request-id|connection|keep-alive)$/i;

const large = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 31 + (i >> 8)) & 255));
const text = 'The quick brown fox jumps over the lazy dog.\n'.repeat(50);
const etag = '"v1"';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** What the backend has seen of a request, but for what the contract lets Fairlead change. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const hash = createHash('sha256');
  let bytes = 0;
  request.on('data', (part: Buffer) => {
    bytes += part.length;
    hash.update(part);
  });
  request.on('end', () => {
    const { method, url, rawHeaders, rawTrailers } = request;
    const fields = rawHeaders.flatMap((name, i) =>
      i % 2 === 0 && !ownFields.test(name) ? [[name, rawHeaders[i + 1]]] : [],
    );
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
    request.resume().on('end', () => response.writeHead(303, { Location: '/echo' }).end());
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
  '/until-close': (_, { socket }) => void socket!.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end\n'),
  '/broken': (_, { socket }) => {
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

/** A backend that answers in all the ways there are: with HTTP/1.1, on a free port. */
export async function startEveryAnswer(): Promise<{ readonly address: string; readonly port: number }> {
  const server = createServer(answer);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    response.sendDate = false;
    if (request.headers['x-refuse'] !== undefined) return void response.writeHead(417).end('not that one\n');
    response.writeContinue();
    answer(request, response);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    if (request.url === '/no-upgrade')
      return void socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n');
    socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nwelcome to the other side\n',
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  remember({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, port };
}
