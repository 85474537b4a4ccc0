import { type JsonSchema, plainSchema } from './json-schema.ts';
import type { Path } from './problem.ts';
import { get } from './raw.ts';

let schema: JsonSchema | undefined;

/** The keys that the object at the path may have, given what the rest of the config says; none for free names. */
export function knownKeys(root: unknown, path: Path): string[] {
  schema ??= plainSchema();
  let nodes = shapesOf(schema, root);
  let value = root;
  for (const step of path) {
    value = get(value, step);
    nodes = nodes.flatMap((node) => childrenOf(node, step)).flatMap((node) => shapesOf(node, value));
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function childrenOf(node: JsonSchema, step: string | number): JsonSchema[] {
  if (typeof step === 'number') return node.items ? [node.items] : [];
  const named = node.properties?.[step];
  if (named) return [named];
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
}

/** The alternatives of a node that the value may be: of listeners, those of the protocol it names. */
function shapesOf(node: JsonSchema, value: unknown): JsonSchema[] {
  const branches = node.anyOf ?? node.oneOf;
  if (branches) return branches.flatMap((branch) => shapesOf(branch, value));
  const contradicts = Object.entries(node.properties ?? {}).some(
    ([key, property]) => property.const !== undefined && property.const !== get(value, key),
  );
  return contradicts ? [] : [node];
}
