import { describe, expect, it } from 'vitest';
import { endpoints } from '../../src/admin/endpoints.ts';
import { openApi } from '../../src/admin/openapi.ts';

interface Operation {
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

  it('names no schema of another version inside', () => {
    expect(JSON.stringify(described.paths)).not.toContain('$schema');
  });
});
