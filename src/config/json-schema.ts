import { z } from 'zod';
import { configSchema } from './schema.ts';

/** A node of a JSON Schema (draft 2020-12), as far as the config's uses it. */
export interface JsonSchema {
  $schema?: string;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  title?: string;
  description?: string;
  default?: unknown;
  type?: string | string[];
  const?: unknown;
  enum?: readonly unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

const fromEnvironment = { $ref: '#/$defs/fromEnvironment' };

/**
 * The JSON Schema (draft 2020-12) of a config as it is written, with titles, descriptions and defaults, so that an
 * editor completes and checks it. Wherever a single value is expected, `${NAME}` from the environment will do.
 */
export function configJsonSchema(): JsonSchema {
  const { $schema, ...schema } = plainSchema();
  return {
    ...($schema === undefined ? {} : { $schema }),
    title: 'Fairlead config',
    ...withEnvironment(schema),
    $defs: {
      fromEnvironment: {
        title: 'environment variable',
        description: `\${NAME} or \${NAME:-default}, read from the environment when the config is loaded.`,
        type: 'string',
        pattern: '\\$\\{',
      },
    },
  };
}

/** The same without references: every node stands where it applies. */
export function plainSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}

/** The node, with `${NAME}` allowed in place of every single value that plain text would not do for. */
function withEnvironment(node: JsonSchema): JsonSchema {
  const next = mapChildren(node, withEnvironment);
  if (!isNarrowScalar(node)) return next;
  const { title, description, default: preset, ...constraint } = next;
  const facts = { title, description, default: preset };
  const kept = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
  return { ...kept, anyOf: [...(constraint.anyOf ?? [constraint]), fromEnvironment] };
}

function isNarrowScalar(node: JsonSchema): boolean {
  if (node.title === undefined || node.properties || node.items) return false;
  return node.type !== 'string' || node.pattern !== undefined || node.enum !== undefined;
}

function mapChildren(node: JsonSchema, map: (child: JsonSchema) => JsonSchema): JsonSchema {
  const next = { ...node };
  const all = (nodes: Record<string, JsonSchema>) =>
    Object.fromEntries(Object.entries(nodes).map(([key, child]) => [key, map(child)]));
  if (node.properties) next.properties = all(node.properties);
  if (typeof node.additionalProperties === 'object') next.additionalProperties = map(node.additionalProperties);
  if (node.items) next.items = map(node.items);
  if (node.oneOf) next.oneOf = node.oneOf.map(map);
  // The branches of a single value are its spellings; the value as a whole is what the environment may hold.
  if (node.anyOf && node.title === undefined) next.anyOf = node.anyOf.map(map);
  return next;
}
