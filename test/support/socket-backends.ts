import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConfigInput } from '../../src/config/schema.ts';
import { remember } from './opened.ts';
import { type RunningFairlead, runFairlead } from './running.ts';

/** A server that a test attaches something to, such as a WebSocket library. */
export interface Attached {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Tells the backends apart: `a`, `b`, … */
  readonly name: string;
}

/** Starts a node:http server on a free port for each name; `attach` puts something on it and says how to end that. */
export function startAttached(
  names: readonly string[],
  attach: (server: http.Server, name: string) => (() => unknown) | undefined,
): Promise<Attached[]> {
  return Promise.all(
    names.map(async (name) => {
      const server = http.createServer();
      const end = attach(server, name);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      remember({
        async close() {
          await end?.();
          server.closeAllConnections();
          server.close();
        },
      });
      return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, name };
    }),
  );
}

type HttpListener = Extract<ConfigInput['listeners'][string], { protocol: 'http' }>;
type Sticky = NonNullable<HttpListener['routes']>[number]['sticky'];

/** Fairlead with two workers and one route to these backends, sticky or not. */
export function runSticky(backends: readonly Attached[], sticky: Sticky): Promise<RunningFairlead> {
  return runFairlead({
    workers: 2,
    listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', routes: [{ pool: 'web', sticky }] } },
    pools: { web: { backends: backends.map(({ address }) => address), health: { type: 'off' } } },
  });
}
