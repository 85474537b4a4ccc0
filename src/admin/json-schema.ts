import { z } from 'zod';

/** JSON Schema (draft 7), as fastify compiles it into a serialiser and OpenAPI takes it over. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The JSON Schema of what a schema puts out. */
export function jsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: 'draft-7' });
  return rest;
}
