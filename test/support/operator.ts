import type { BackendStatus, PoolStatus } from '../../src/admin/schema.ts';
import type { Scraped } from './scrape.ts';

/** An answer of the admin API. */
export interface ApiAnswer<T> {
  readonly status: number;
  readonly etag: string | null;
  readonly body: T;
}

/** Asks the admin API; a `body` is sent as JSON. */
export async function askApi<T = BackendStatus>(
  { adminAddresses }: Scraped,
  request: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<ApiAnswer<T>> {
  const [method, path] = request.split(' ') as [string, string];
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(`http://${adminAddresses[0]}${path}`, {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, etag: response.headers.get('etag'), body: (await response.json()) as T };
}

/** A pool as the API shows it now. */
export async function poolOf(running: Scraped, pool: string): Promise<PoolStatus> {
  return (await askApi<PoolStatus>(running, `GET /api/pools/${pool}`)).body;
}

/** One of its backends. */
export async function backendOf(running: Scraped, pool: string, id: string): Promise<BackendStatus | undefined> {
  return (await poolOf(running, pool)).backends.find((backend) => backend.id === id);
}
