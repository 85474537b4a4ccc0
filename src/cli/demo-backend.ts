import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a demo backend tells the process that started it: the port it listens on, or why it cannot. */
export type BackendReport = { readonly port: number } | { readonly problem: string };

const name = process.env['DEMO_BACKEND'] ?? 'app';
let answered = 0;

const app = createServer((request, response) => {
  const ok = (text: string) => response.writeHead(200, { 'Content-Type': 'text/plain' }).end(text);
  if (request.url === '/healthz') ok('ok\n');
  else ok(`${name} (pid ${process.pid}): ${request.method} ${request.url}, answer ${++answered}\n`);
});

// Longer than Fairlead keeps idle connections, so that the balancer and not the backend ends them.
app.keepAliveTimeout = 120_000;

const report = (what: BackendReport) => process.send?.(what);
app.on('error', (error) => {
  report({ problem: error.message });
  process.exitCode = 1;
  process.disconnect?.();
});
app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => report({ port: (app.address() as AddressInfo).port }));

// Ctrl-C reaches the whole process group, and requests are still being drained then: our parent says when to end.
process.on('SIGINT', () => {});
// The parent is gone, however it ended.
process.on('disconnect', () => process.exit());
