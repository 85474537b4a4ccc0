import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import {
  createFairleadPool,
  type FairleadPool,
  type FairleadProxyOptions,
  fairleadProxy,
  type PoolInput,
} from '../../src/fastify/index.ts';
import { remember } from '../support/opened.ts';

/** How a backend answers. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A backend on a port of its own. */
export async function backend(handler: Handler): Promise<{ address: string; server: Server; stop(): void }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  remember({ close: stop });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server, stop };
}

/** Answers with what came. */
export const echo: Handler = (incoming, response) => {
  const { method, url, headers } = incoming;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, headers }));
};

/** A pool without probes, unless they are asked for. */
export async function poolOf(config: PoolInput): Promise<FairleadPool> {
  return remember(await createFairleadPool({ health: { type: 'off' }, ...config }));
}

/** An app that sends what is below /api to a pool; the address it listens on. */
export async function gateway(options: FairleadProxyOptions): Promise<{ app: FastifyInstance; url: string }> {
  const app = fastify();
  await app.register(fairleadProxy, { prefix: '/api', ...options });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  remember(app);
  return { app, url };
}
