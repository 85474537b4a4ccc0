import type { Path } from './problem.ts';

/** An object of a config as it was written, before any validation. */
export type RawObject = Record<string, unknown>;

/** Whether the value is an object with keys, not a list. */
export function isObject(value: unknown): value is RawObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The entries of an object; none when it is anything else. */
export function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

/** The own property of an object; `undefined` when the value is anything else or has none of that name. */
export function get(value: unknown, key: string | number): unknown {
  const holder = typeof key === 'number' ? Array.isArray(value) : isObject(value);
  return holder && Object.hasOwn(value as object, key) ? (value as RawObject)[key] : undefined;
}

/** The value at the end of a path; `undefined` where the path leads nowhere. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => get(value, step), root);
}

/** The items of a list with their indexes; none when the value is no list. */
export function itemsOf(value: unknown): [number, unknown][] {
  return Array.isArray(value) ? [...value.entries()] : [];
}

/** What a key that takes one or a list holds, each with its path. */
export function oneOrMany(value: unknown, path: Path): { path: Path; value: unknown }[] {
  if (!Array.isArray(value)) return value === undefined ? [] : [{ path, value }];
  return itemsOf(value).map(([index, item]) => ({ path: [...path, index], value: item }));
}
