import type { AddressInfo } from 'node:net';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Address, formatAddress, isLoopback } from '../support/address.ts';
import { bindError, clearStaleSocket } from '../support/bind.ts';
import { unmapped } from '../support/proxied.ts';
import { TokenAttempts } from './attempts.ts';
import { readBody } from './body.ts';
import type { Endpoint } from './endpoint.ts';
import { endpoints } from './endpoints.ts';
import { createGuard, type Guard } from './guard.ts';
import { addPage, loadPage, pagePaths } from './page.ts';
import type { AdminError } from './schema.ts';
import type { AdminSource } from './source.ts';
import { answerUnreadable } from './unreadable.ts';

/** Where the admin server reports what went wrong inside it; it is never given a token or a header field. */
export interface AdminLogger {
  error(fields: object, message: string): void;
}

/** What bounds a client of the admin server. */
export interface AdminLimits {
  /** Time to send a whole request, body included. */
  readonly requestMs: number;
  /** Time a connection may be still, in the middle of an answer or between requests. */
  readonly idleMs: number;
  /** Largest body of a request. */
  readonly bodyBytes: number;
  /** Connections at once, for each bound address. */
  readonly connections: number;
}

/** What an admin server is made of. */
export interface AdminOptions {
  readonly source: AdminSource;
  readonly bind: readonly Address[];
  /** '' for none, which is refused unless every address of `bind` is loopback or a Unix socket. */
  readonly token: string;
  readonly logger: AdminLogger;
  readonly limits?: Partial<AdminLimits>;
}

/** A running admin server. */
export interface Admin {
  /** Where it listens, with the real ports, in the order of `bind`. */
  readonly addresses: readonly Address[];
  /** Stops listening and closes every connection, also those in the middle of a request. */
  close(): Promise<void>;
}

const defaultLimits: AdminLimits = { requestMs: 10_000, idleMs: 60_000, bodyBytes: 64 * 1024, connections: 256 };
const LONGEST_PARAMETER = 255;
const LONGEST_ECHO = 200;
const absoluteTarget = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

const notJson = 'the body is not JSON: send it with Content-Type: application/json';
const bodyTooLarge: AdminError = { error: 'body-too-large', message: 'the body is larger than the admin API takes' };

/** Answers a path that cannot be decoded or has too long a part; no endpoint is reached, so no guard is needed. */
function answerUnreadablePath(_error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  reply.code(400).send({ error: 'bad-request', message: 'the path cannot be read' } satisfies AdminError);
}

function createServer(limits: AdminLimits): FastifyInstance {
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.idleMs,
    keepAliveTimeout: limits.idleMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    http: { headersTimeout: limits.requestMs, connectionsCheckingInterval: Math.ceil(limits.requestMs / 4) },
    clientErrorHandler: answerUnreadable,
    frameworkErrors: answerUnreadablePath,
  });
  app.removeContentTypeParser('text/plain');
  app.server.maxConnections = limits.connections;
  return app;
}

function addErrorAnswers(app: FastifyInstance, logger: AdminLogger): void {
  app.setNotFoundHandler((request, reply) => {
    const asked = `${request.method} ${request.url.slice(0, LONGEST_ECHO)}`;
    const message = `there is no ${asked}; GET /api lists what there is`;
    reply.code(404).send({ error: 'not-found', message } satisfies AdminError);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413) return reply.code(413).send(bodyTooLarge);
    if (status === 415) return reply.code(415).send({ error: 'not-json', message: notJson });
    if (status < 500) return reply.code(status).send({ error: 'bad-request', message: error.message });
    logger.error({ err: error, path: request.routeOptions.url }, 'the admin server could not answer a request');
    return reply.code(500).send({ error: 'internal', message: 'an error inside Fairlead; its log has the details' });
  });
}

/** A body that no endpoint reads is not waited for: the connection ends with the answer. */
function declaresUnreadBody(request: FastifyRequest): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  return (request.method === 'GET' || request.method === 'HEAD') && (length !== '0' || coding !== undefined);
}

function addGuard(app: FastifyInstance, guard: Guard, bodyBytes: number): void {
  const openPaths = new Set([...pagePaths, ...endpoints.filter(({ open }) => open).map(({ path }) => path)]);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    if (declaresUnreadBody(request)) reply.header('connection', 'close');
    const { origin, authorization } = request.headers;
    const host = absoluteTarget.exec(request.raw.url ?? '')?.[1] ?? request.headers.host;
    const { localPort, remoteAddress: from = '' } = request.raw.socket;
    // The route that was matched, not the path that was sent: there is more than one way to write a path.
    const open = openPaths.has(request.routeOptions.url ?? '');
    const refusal = guard({ host, origin, authorization, localPort, source: from }, open);
    if (refusal !== undefined) {
      const { status, ...body } = refusal;
      if (status === 429) reply.header('retry-after', '1');
      if (status === 401) reply.header('www-authenticate', 'Bearer realm="fairlead"');
      return reply.code(status).header('connection', 'close').send(body);
    }
    if (Number(request.headers['content-length'] ?? 0) > bodyBytes)
      return reply.code(413).header('connection', 'close').send(bodyTooLarge);
    return undefined;
  });
}

function addEndpoint(app: FastifyInstance, endpoint: Endpoint, source: AdminSource): void {
  const { method, path, summary, responses, endless, body } = endpoint;
  app.route({
    method,
    url: path,
    schema: { summary, response: responses } as object,
    exposeHeadRoute: endless !== true,
    handler: async (request, reply) => {
      const written = { ...(request.query as object), ...(request.params as object) };
      const twice = Object.entries(written).find(([, value]) => typeof value !== 'string');
      if (twice !== undefined)
        return reply
          .code(400)
          .send({ error: 'bad-request', message: `${twice[0].slice(0, LONGEST_ECHO)} is there twice` });
      const parameters = written as Record<string, string>;
      const read = body === undefined ? undefined : readBody(body, request.body);
      if (read?.ok === false) return reply.code(422).send({ error: 'invalid', message: read.problem });
      const who = unmapped(request.raw.socket.remoteAddress ?? 'unix socket');
      const answer = await endpoint.answer(source, { parameters, headers: request.headers, body: read?.value, who });
      if (answer.contentType !== undefined) reply.type(answer.contentType);
      if (answer.headers !== undefined) reply.headers(answer.headers);
      return reply.code(answer.status).send(answer.body);
    },
  });
}

/** Listens on one address; resolves to the address with its real port. */
async function listen(app: FastifyInstance, address: Address): Promise<Address> {
  try {
    if (address.kind === 'unix') {
      await clearStaleSocket(address.path);
      await app.listen({ path: address.path });
      return address;
    }
    await app.listen({ host: address.host, port: address.port });
    return { ...address, port: (app.server.address() as AddressInfo).port };
  } catch (error) {
    throw bindError('the admin server', formatAddress(address), error as NodeJS.ErrnoException);
  }
}

/**
 * Starts the admin server on every address of `bind`. Throws an Error that says which address could not be listened on
 * and why, with none left open; and when an address that others can reach is asked for without a token.
 */
export async function createAdmin(options: AdminOptions): Promise<Admin> {
  const { source, bind, token, logger } = options;
  const exposed = bind.find((address) => !isLoopback(address));
  if (exposed !== undefined && token === '')
    throw new Error(`the admin server needs a token to listen on ${formatAddress(exposed)}: it is not loopback`);
  const limits = { ...defaultLimits, ...options.limits };
  const guard = createGuard(bind, token, new TokenAttempts(() => performance.now()));
  const page = loadPage();
  const apps: FastifyInstance[] = [];
  const addresses: Address[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(apps.map((app) => app.close()));
  };
  try {
    for (const address of bind) {
      const app = createServer(limits);
      apps.push(app);
      addGuard(app, guard, limits.bodyBytes);
      addErrorAnswers(app, logger);
      addPage(app, page);
      for (const endpoint of endpoints) addEndpoint(app, endpoint, source);
      addresses.push(await listen(app, address));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { addresses, close };
}
