import http from 'node:http';
import { retire } from './kept-ports.ts';

/** What a bounded run of requests brought. */
export interface LoadResult {
  /** Bodies of the answers with how often each came. */
  readonly bodies: ReadonlyMap<string, number>;
  /** Statuses with how often each came. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Requests that got no complete answer, by error code. */
  readonly errors: ReadonlyMap<string, number>;
  /** Latencies of the answers in ms, ascending. */
  readonly latencies: readonly number[];
}

/** How a run goes: so many connections, until so many requests are done or `until` says so. */
export interface LoadOptions {
  readonly connections: number;
  readonly requests?: number;
  readonly until?: () => boolean;
  readonly path?: string;
}

function count<K>(map: Map<K, number>, key: K): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

/** Sends GETs over keep-alive connections, each connection one after another, to `host:port`. */
export async function runLoad(
  address: string,
  { connections, requests, until, path = '/' }: LoadOptions,
): Promise<LoadResult> {
  const url = `http://${address}${path}`;
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const result = {
    bodies: new Map<string, number>(),
    statuses: new Map<number, number>(),
    errors: new Map<string, number>(),
    latencies: [] as number[],
  };
  let left = requests ?? Number.POSITIVE_INFINITY;
  const client = async (): Promise<void> => {
    while (left-- > 0 && until?.() !== true) {
      const start = performance.now();
      try {
        const { status, body } = await get(url, agent);
        count(result.statuses, status);
        count(result.bodies, body);
        result.latencies.push(performance.now() - start);
      } catch (error) {
        count(result.errors, (error as NodeJS.ErrnoException).code ?? String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  result.latencies.sort((a, b) => a - b);
  return result;
}

function get(url: string, agent: http.Agent): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body }));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

/** An http backend that answers every request with its name, after `delayMs`. */
export async function startNamed(name: string, { port = 0, delayMs = 0 } = {}): Promise<NamedBackend> {
  const listener = http.createServer((_, response) => {
    if (delayMs === 0) response.end(name);
    else setTimeout(() => response.end(name), delayMs);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, '127.0.0.1', resolve);
  });
  const bound = listener.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return {
    port: bound.port,
    address: `127.0.0.1:${bound.port}`,
    async close() {
      const closed = retire(listener);
      listener.closeAllConnections();
      await closed;
    },
  };
}

/** A backend started by `startNamed`. Closing it resets its connections, as a kill does. */
export interface NamedBackend {
  readonly port: number;
  readonly address: string;
  close(): Promise<void>;
}
