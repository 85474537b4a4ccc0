import { parseArgs } from 'node:util';
import fastify, { type FastifyInstance } from 'fastify';
import { type Capacity, Slots } from './slots.ts';

/**
 * A backend of fixed capacity: answers every GET with its name after waiting its turn and the service time. It waits by
 * timer and burns no CPU, so that many of them fit on a small machine. HTTP only: through an L4 listener the same HTTP
 * is carried as plain bytes.
 */
export function slowApp(name: string, capacity: Capacity): FastifyInstance {
  const slots = new Slots(capacity);
  const app = fastify({ keepAliveTimeout: 600_000, forceCloseConnections: true });
  app.get('/*', (_request, reply) => {
    const nowMs = performance.now();
    const waitMs = Math.ceil(slots.admit(nowMs) - nowMs);
    setTimeout(() => reply.header('x-backend', name).type('text/plain').send(name), waitMs);
  });
  return app;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      name: { type: 'string', default: 'app' },
      port: { type: 'string', default: '0' },
      slots: { type: 'string', default: '8' },
      'service-ms': { type: 'string', default: '20' },
    },
  });
  const app = slowApp(values.name, { slots: Number(values.slots), serviceMs: Number(values['service-ms']) });
  const address = await app.listen({ host: '127.0.0.1', port: Number(values.port) });
  const end = () => void app.close().then(() => process.exit(0));
  process.once('SIGTERM', end).once('SIGINT', end);
  process.stdout.write(`${values.name} ${address}\n`);
}

if (import.meta.main) await main();
