import type { z } from 'zod';
import type { JsonSchema } from './json-schema.ts';
import type { AdminSource } from './source.ts';

/** A request as an endpoint sees it. */
export interface Asked {
  /** What the path and the query say. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What was sent, as the endpoint's `body` reads it. */
  readonly body: unknown;
  /** Whose request it is: an address, or `unix socket`. */
  readonly who: string;
}

/** What an endpoint answers. */
export interface Answer {
  readonly status: number;
  /** Text, a value for JSON, or a stream. */
  readonly body: unknown;
  /** When it is not JSON. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One endpoint of the API: all that is known of it, for the server, the index and the API's description. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With `:name` for a parameter. */
  readonly path: string;
  readonly summary: string;
  /** True when it is answered without the token: liveness and readiness probes carry none. */
  readonly open: boolean;
  /** True when its answer does not end by itself. */
  readonly endless?: boolean;
  /** What may stand in the query, in words, by name. */
  readonly query?: Readonly<Record<string, string>>;
  /** Header fields that it goes by, likewise. */
  readonly fields?: Readonly<Record<string, string>>;
  /** What it wants to be sent; undefined when it reads nothing. */
  readonly body?: z.ZodType;
  /** What it answers, by status, beside what the server answers before it. */
  readonly responses: Readonly<Record<number, JsonSchema>>;
  answer(source: AdminSource, asked: Asked): Answer | Promise<Answer>;
}
