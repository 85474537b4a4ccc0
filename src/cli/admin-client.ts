import { Buffer } from 'node:buffer';
import http from 'node:http';
import https from 'node:https';
import type { z } from 'zod';
import type { refusedSchema, reloadedSchema } from '../admin/config-schema.ts';
import type { BackendStatus, PoolStatus, Readiness, Status } from '../admin/schema.ts';
import { formatAddress } from '../support/address.ts';
import { tlsCause } from '../support/tls-failure.ts';
import { type AdminAddress, writeAddress } from './admin-address.ts';
import { CommandProblem } from './command.ts';
import { whyUnreachable } from './unreachable.ts';

/** Why a running instance did not do what it was asked, in one sentence. */
export class AdminProblem extends CommandProblem {}

/** A backend of a pool, by their names. */
export interface BackendName {
  readonly pool: string;
  readonly backend: string;
}

/** What may be changed of a backend. */
export type BackendChange = { readonly state: BackendStatus['state'] } | { readonly weight: number };

type Reloaded = z.output<typeof reloadedSchema>;
type Refused = z.output<typeof refusedSchema>;

/** What came of loading the config again. */
export type Reloading =
  | { readonly status: 'reloaded'; readonly body: Reloaded }
  | { readonly status: 'refused'; readonly body: Refused };

/** A backend as a change has left it. */
export interface ChangedBackend {
  readonly backend: BackendStatus;
  /** The version that its pool has since then. */
  readonly version: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly etag: string | undefined;
}

interface Sent {
  readonly method: 'GET' | 'PATCH' | 'POST';
  readonly body?: unknown;
  /** The version of the pool that is meant. */
  readonly ifMatch?: string | undefined;
}

const TIMEOUT_MS = 10_000;

/** Codes of errors that say why there is no TLS connection. */
const tlsCode = /^(?:ERR_(?:SSL|TLS)|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|INVALID)_/;

/** The admin API of a running instance. Every call throws AdminProblem when it gets no answer, or one that is a refusal. */
export class AdminClient {
  readonly #address: AdminAddress;
  readonly #agent: http.Agent;

  constructor(address: AdminAddress) {
    this.#address = address;
    const { secure, tls } = address;
    this.#agent = secure ? new https.Agent({ keepAlive: true, ...tls }) : new http.Agent({ keepAlive: true });
  }

  /** The address as people write it. */
  get address(): string {
    return writeAddress(this.#address);
  }

  status(): Promise<Status> {
    return this.#get('/api/status');
  }

  pools(): Promise<PoolStatus[]> {
    return this.#get('/api/pools');
  }

  /** What says whether traffic can be served; a refusal is an answer here. */
  async readiness(): Promise<Readiness> {
    const { status, text } = await this.#ask('/readyz');
    if (status !== 200 && status !== 503) throw refusal(status, text);
    return readJson(text) as Readiness;
  }

  /** All metrics in Prometheus' text format. */
  async metrics(): Promise<string> {
    const { status, text } = await this.#ask('/metrics');
    if (status !== 200) throw refusal(status, text);
    return text;
  }

  /** Changes a backend; with `ifMatch`, only when its pool is still of that version. */
  async change({ pool, backend }: BackendName, change: BackendChange, ifMatch?: string): Promise<ChangedBackend> {
    const path = `/api/pools/${encodeURIComponent(pool)}/backends/${encodeURIComponent(backend)}`;
    const { status, text, etag = '' } = await this.#ask(path, { method: 'PATCH', body: change, ifMatch });
    if (status !== 200) throw refusal(status, text);
    return { backend: readJson(text) as BackendStatus, version: /^"(.*)"$/.exec(etag)?.[1] };
  }

  /** Has the config loaded again. */
  async reload(): Promise<Reloading> {
    const { status, text } = await this.#ask('/api/reload', { method: 'POST' });
    if (status === 200) return { status: 'reloaded', body: readJson(text) as Reloaded };
    if (status === 422) return { status: 'refused', body: readJson(text) as Refused };
    throw refusal(status, text);
  }

  /** Lets go of the connection. */
  close(): void {
    this.#agent.destroy();
  }

  async #get<T>(path: string): Promise<T> {
    const { status, text } = await this.#ask(path);
    if (status !== 200) throw refusal(status, text);
    return readJson(text) as T;
  }

  async #ask(path: string, sent: Sent = { method: 'GET' }): Promise<Answer> {
    try {
      return await this.#send(path, sent);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      const why = tlsCode.test(code) ? tlsCause(error as Error, this.address) : whyUnreachable(error as Error);
      const hint =
        this.#address.from === '--admin' ? '' : ` (the address is from ${this.#address.from}; --admin names another)`;
      throw new AdminProblem(`cannot reach Fairlead at ${this.address}: ${why}${hint}`, { cause: error });
    }
  }

  #send(path: string, { method, body, ifMatch }: Sent): Promise<Answer> {
    const { secure, to, token } = this.#address;
    const where = to.kind === 'unix' ? { socketPath: to.path, host: 'localhost' } : { host: to.host, port: to.port };
    const named = to.kind === 'unix' ? 'localhost' : formatAddress(to);
    const headers: Record<string, string | number> = { Host: named };
    if (token !== '') headers['Authorization'] = `Bearer ${token}`;
    if (ifMatch !== undefined) headers['If-Match'] = `"${ifMatch}"`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    if (text !== undefined) headers['Content-Type'] = 'application/json';
    if (text !== undefined) headers['Content-Length'] = Buffer.byteLength(text);
    const options = { ...where, method, path, headers, agent: this.#agent, signal: AbortSignal.timeout(TIMEOUT_MS) };
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, headers: answered } = response;
          resolve({ status, text: Buffer.concat(chunks).toString(), etag: answered.etag });
        });
      });
      request.on('error', reject);
      request.end(text);
    });
  }
}

function refusal(status: number, text: string): AdminProblem {
  if (status === 401) return new AdminProblem('it wants a token: give the right one by --token or FAIRLEAD_TOKEN');
  return new AdminProblem(messageOf(text) ?? `what answers there is not Fairlead: status ${status}`);
}

/** The sentence for people in an answer that is a refusal. */
function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string } | null)?.message;
  } catch {
    return undefined;
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AdminProblem('what answers there is not Fairlead: it sends no JSON', { cause: error });
  }
}
