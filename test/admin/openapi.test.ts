import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Admin, createAdmin } from '../../src/admin/admin.ts';
import { endpoints } from '../../src/admin/endpoints.ts';
import { openApi } from '../../src/admin/openapi.ts';
import { exchange, fixedSource } from './fixture.ts';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: readonly object[];
  readonly parameters: readonly { name: string; in: string; required: boolean }[];
  readonly requestBody?: { content: Record<string, { schema: { properties: Record<string, object> } }> };
  readonly responses: Record<string, { description: string; content: Record<string, { schema: object }> }>;
}

const described = openApi(endpoints, { version: '1.2.3' }) as {
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.entries(described.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe('the description of the API', () => {
  it('has every endpoint, and nothing else', () => {
    const all = operations.map(({ path, method }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
    expect(all.toSorted()).toEqual(endpoints.map(({ method, path }) => `${method} ${path}`).toSorted());
    expect(described).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
  });

  it.each(operations)('says of $method $path what it takes and answers', ({ path, operation }) => {
    const { parameters, responses } = operation;
    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    expect(inPath.every(({ required }) => required)).toBe(true);
    for (const { description, content } of Object.values(responses)) {
      expect(description).not.toBe('');
      expect(Object.values(content)[0]?.schema).toBeTypeOf('object');
    }
  });

  it('tells which need no token, what is sent, and which fields count', () => {
    const { paths } = described;
    expect(paths['/healthz']!['get']!.security).toEqual([]);
    expect(paths['/api/status']!['get']!.security).toBeUndefined();
    const patch = paths['/api/pools/{pool}/backends/{id}']!['patch']!;
    expect(Object.keys(patch.requestBody!.content['application/json']!.schema.properties)).toEqual(['state', 'weight']);
    expect(patch.parameters.map(({ name }) => name)).toEqual(['pool', 'id', 'If-Match']);
    const events = paths['/api/events']!['get']!;
    expect(events.parameters.map(({ name }) => name)).toEqual(['last', 'kinds', 'traffic', 'Last-Event-ID']);
    expect(Object.keys(events.responses['200']!.content)).toEqual(['text/event-stream']);
  });

  it('has a name for every operation', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^(?:get|post|patch|delete)[A-Za-z]+$/);
    expect(ids).toEqual(
      expect.arrayContaining([
        'getApi',
        'getOpenapiJson',
        'getHealthz',
        'getPoolsByPool',
        'patchPoolsByPoolBackendsById',
      ]),
    );
  });

  it('names no schema of another version inside', () => {
    expect(JSON.stringify(described.paths)).not.toContain('$schema');
  });
});

describe('what the server answers before an endpoint', () => {
  const logger = { error: () => undefined };
  const bind = [{ kind: 'tcp', host: '127.0.0.1', port: 0 }] as const;
  const token = 'correct-horse';
  let admin: Admin;
  let port: number;
  beforeAll(async () => {
    admin = await createAdmin({ source: fixedSource(), bind, token, logger });
    const [address] = admin.addresses;
    port = address?.kind === 'tcp' ? address.port : 0;
  });
  afterAll(() => admin.close());

  it.each(endpoints)('$method $path describes', async ({ method, path, open }) => {
    const operation = described.paths[path.replaceAll(/:(\w+)/g, '{$1}')]![method.toLowerCase()]!;
    const ask = async (target: string, lines: string[], body = '') => {
      const head = [`${method} ${target} HTTP/1.1`, 'Connection: close', ...lines];
      return (await exchange(port, `${head.join('\r\n')}\r\n\r\n${body}`)).status;
    };
    const host = `Host: 127.0.0.1:${port}`;
    const known = [host, `Authorization: Bearer ${token}`];
    const target = path.replaceAll(/:\w+/g, 'x');
    const answers = [
      [403, await ask(target, ['Host: other.test', known[1]!])],
      [400, await ask(`${target}?a=1&a=2`, known)],
      ...(open ? [] : [[401, await ask(target, [host])]]),
      ...(method === 'GET' ? [] : [[413, await ask(target, [...known, 'Content-Length: 99999'])]]),
      ...(method === 'GET'
        ? []
        : [[415, await ask(target, [...known, 'Content-Type: text/plain', 'Content-Length: 2'], 'hi')]]),
    ];
    for (const [expected, status] of answers) expect(status).toBe(expected);
    const statuses = Object.keys(operation.responses).map(Number);
    expect(statuses).toEqual(expect.arrayContaining(answers.map(([status]) => status)));
    expect(statuses.includes(429)).toBe(!open);
  });
});
