/**
 * The smallest application worth balancing: it says its name and how often it was asked. NAME and PORT come from the
 * environment, so three copies of it make a pool:
 *
 *     NAME=one PORT=3001 node app.ts
 */
import { createServer } from 'node:http';

const name = process.env['NAME'] ?? 'app';
const port = Number(process.env['PORT'] ?? 3000);
let answered = 0;

const app = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  if (request.url === '/healthz') {
    response.end('ok\n');
    return;
  }
  answered += 1;
  response.end(`${name}: ${request.method} ${request.url}, answer ${answered}\n`);
});

// A balancer keeps idle connections for 30 s; an application that closes them sooner would race with its requests.
app.keepAliveTimeout = 60_000;
app.listen(port, () => console.log(`${name} listens on port ${port}`));

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    app.close();
    app.closeIdleConnections();
  });
}
