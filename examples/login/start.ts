/** Starts the provider, three apps and the gateway before them, all in one process: `node examples/login/start.ts`. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { makeGateway } from './gateway.ts';
import { makeProvider } from './provider.ts';

const port = Number(process.env['PORT'] ?? 8080);
const providerPort = Number(process.env['PROVIDER_PORT'] ?? 4500);
const appPorts = [3001, 3002, 3003];
const client = {
  id: 'gateway',
  secret: process.env['CLIENT_SECRET'] ?? randomBytes(24).toString('base64url'),
  redirectUri: `http://localhost:${port}/login/callback`,
};

for (const appPort of appPorts) {
  const app = createServer((request, response) => {
    response.end(request.url === '/healthz' ? 'ok\n' : `app ${appPort}: hello ${request.headers['x-user']}\n`);
  });
  app.keepAliveTimeout = 60_000;
  app.listen(appPort, '127.0.0.1');
}
await makeProvider(client).listen({ port: providerPort, host: '127.0.0.1' });
const gateway = await makeGateway({
  client,
  provider: `http://127.0.0.1:${providerPort}`,
  backends: appPorts.map((appPort) => `127.0.0.1:${appPort}`),
  // Without one of its own, a restart ends every session.
  jwtSecret: process.env['JWT_SECRET'] ?? randomBytes(32).toString('base64url'),
  secure: false,
});
await gateway.listen({ port, host: '127.0.0.1' });
console.log(`open http://localhost:${port}/login`);
