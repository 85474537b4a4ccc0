import { describe, expect, it } from 'vitest';
import { endpoints } from '../../src/admin/endpoints.ts';
import type { JsonSchema } from '../../src/admin/json-schema.ts';
import { schemas } from '../../src/admin/schema.ts';

type Node = { type?: unknown; properties?: Record<string, Node>; required?: string[]; items?: Node } & JsonSchema;

/** Every object schema in a schema, itself included. */
function objects(node: Node): Node[] {
  const inner = [...Object.values(node.properties ?? {}), ...(node.items === undefined ? [] : [node.items])];
  return [...(node.properties === undefined ? [] : [node]), ...inner.flatMap(objects)];
}

const named = Object.entries(schemas).map(([name, schema]) => ({ name, schema: schema as Node }));

describe('the schemas of the API', () => {
  it.each(named)('$name promises every field and no others', ({ schema }) => {
    expect(schema['$schema']).toBeUndefined();
    expect(objects(schema).length).toBeGreaterThan(0);
    for (const object of objects(schema)) {
      expect(object.required).toEqual(Object.keys(object.properties!));
      expect(object['additionalProperties']).toBe(false);
    }
  });

  it.each(named)('$name has no alternatives, which would be slow to serialise', ({ schema }) => {
    expect(JSON.stringify(schema)).not.toContain('anyOf');
  });

  it('shows a backend as the contract has it, and its weight as it is now', () => {
    const backend = (schemas.pool as Node).properties!['backends']!.items!;
    const keys = 'id address weight state health healthReason active total failures latencyMs'.split(' ');
    expect(Object.keys(backend.properties!)).toEqual([...keys, 'effectiveWeight']);
    expect(backend.properties!['state']!['enum']).toEqual(['enabled', 'draining', 'disabled']);
    expect(backend.properties!['health']!['enum']).toEqual(['up', 'down', 'ejected', 'unknown']);
    const latency = backend.properties!['latencyMs']!.properties!;
    expect(Object.keys(latency)).toEqual(['p50', 'p99']);
    expect([latency['p50']!.type, latency['p99']!.type]).toEqual([
      ['number', 'null'],
      ['number', 'null'],
    ]);
  });

  it('lets the config path be null, and nothing else of the status', () => {
    const { properties = {} } = schemas.status as Node;
    const nullable = Object.keys(properties).filter((key) => Array.isArray(properties[key]!.type));
    expect(nullable).toEqual(['configPath']);
    expect(properties['configPath']!.type).toEqual(['string', 'null']);
    expect(properties['configPath']!['description']).toMatch(/null/);
  });
});

describe('the table of endpoints', () => {
  it('has those of the contract', () => {
    expect(endpoints.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api',
      'GET /api/openapi.json',
      'GET /healthz',
      'GET /readyz',
      'GET /metrics',
      'GET /api/status',
      'GET /api/listeners',
      'GET /api/pools',
      'GET /api/pools/:pool',
      'PATCH /api/pools/:pool/backends/:id',
      'POST /api/pools/:pool/backends',
      'DELETE /api/pools/:pool/backends/:id',
      'GET /api/bans',
      'POST /api/bans',
      'DELETE /api/bans/:address',
      'GET /api/pools/:pool/traffic',
      'GET /api/config',
      'POST /api/reload',
      'POST /api/explain',
      'GET /api/connections',
      'GET /api/events',
    ]);
  });

  it('opens only the probes of liveness and readiness to everyone', () => {
    expect(endpoints.filter(({ open }) => open).map(({ path }) => path)).toEqual(['/healthz', '/readyz']);
  });

  it.each([...endpoints])('$path says in a sentence what it does, and what it answers', ({ summary, responses }) => {
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(responses[200] ?? responses[201]).toBeDefined();
  });
});
