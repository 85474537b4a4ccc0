import { z } from 'zod';
import type { Endpoint } from './endpoint.ts';
import type { JsonSchema } from './json-schema.ts';
import { schemas } from './schema.ts';

/** What the description says of the API as a whole. */
export interface About {
  readonly version: string;
}

/** The description of endpoints in OpenAPI 3.1, from the very table that serves them. */
export function openApi(endpoints: readonly Endpoint[], { version }: About): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const endpoint of endpoints) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Fairlead admin API', version },
    jsonSchemaDialect: 'http://json-schema.org/draft-07/schema#',
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
    paths,
  };
}

function operation(endpoint: Endpoint): JsonSchema {
  const { summary, open, body } = endpoint;
  const responses = { ...serverResponses(endpoint), ...endpoint.responses };
  return {
    operationId: operationId(endpoint),
    summary,
    ...(open ? { security: [] } : {}),
    parameters: parametersOf(endpoint),
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(inputSchema(body)) } }),
    responses: Object.fromEntries(Object.entries(responses).map(([status, schema]) => [status, response(schema)])),
  };
}

/** `getPoolsByPool` for `GET /api/pools/:pool`. */
function operationId({ method, path }: Endpoint): string {
  const words = path.replace(/^\/api(?=\/)/, '').replaceAll('/:', '/by-');
  return method.toLowerCase() + words.replaceAll(/[^a-z]+([a-z])/gi, (_, letter: string) => letter.toUpperCase());
}

/** What the server answers before an endpoint is asked. */
function serverResponses({ open, method }: Endpoint): Record<number, JsonSchema> {
  const error = (description: string): JsonSchema => ({ ...schemas.error, description });
  return {
    400: error('The request cannot be read, or has a parameter twice.'),
    403: error('It comes from a page of another site: the Host or the Origin is foreign.'),
    ...(open
      ? {}
      : { 401: error('The token is missing or wrong.'), 429: error('Too many wrong tokens came from there.') }),
    ...(method === 'GET' ? {} : { 413: error('The body is too large.'), 415: error('The body is not JSON.') }),
  };
}

function parametersOf({ path, query = {}, fields = {} }: Endpoint): JsonSchema[] {
  const string = { type: 'string' };
  const optional = (where: string) => (parameter: [string, string]) => {
    const [name, description] = parameter;
    return { name, in: where, required: false, description, schema: string };
  };
  return [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: string })),
    ...Object.entries(query).map(optional('query')),
    ...Object.entries(fields).map(optional('header')),
  ];
}

/** Schemas that are not of JSON say themselves what they are. */
function response(schema: JsonSchema): JsonSchema {
  if ('content' in schema) return schema;
  return { description: String(schema['description'] ?? 'JSON.'), content: json(schema) };
}

function json(schema: JsonSchema): JsonSchema {
  return { 'application/json': { schema } };
}

function inputSchema(body: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(body, { target: 'draft-7', io: 'input' });
  return rest;
}
