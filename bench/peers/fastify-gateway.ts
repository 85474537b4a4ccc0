import httpProxy from '@fastify/http-proxy';
import fastify, { type FastifyInstance } from 'fastify';

/** A gateway in a few lines of fastify: every request goes to the next of the backends' base URLs in turn. */
export async function fastifyGateway(backends: readonly string[]): Promise<FastifyInstance> {
  const app = fastify({ keepAliveTimeout: 3_600_000, forceCloseConnections: true });
  let turn = 0;
  await app.register(httpProxy, {
    upstream: '',
    undici: { connections: 256, pipelining: 1, keepAliveTimeout: 60_000 },
    replyOptions: {
      getUpstream: () => {
        turn = (turn + 1) % backends.length;
        return backends[turn]!;
      },
      // Without this the backend's own `Connection: keep-alive` is passed on to a client that asked for a close.
      rewriteHeaders: (headers) => {
        delete headers['connection'];
        delete headers['keep-alive'];
        return headers;
      },
    },
  });
  return app;
}

async function main(): Promise<void> {
  const [port, ...backendPorts] = process.argv.slice(2);
  const app = await fastifyGateway(backendPorts.map((each) => `http://127.0.0.1:${each}`));
  const address = await app.listen({ host: '127.0.0.1', port: Number(port), backlog: 4096 });
  const end = () => void app.close().then(() => process.exit(0));
  process.once('SIGTERM', end).once('SIGINT', end);
  process.stdout.write(`${address}\n`);
}

if (import.meta.main) await main();
