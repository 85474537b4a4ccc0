import type { Finding, Path } from './problem.ts';
import { get, isObject, type RawObject } from './raw.ts';

/**
 * Something the documentation promises and this version does not do. Delete a row when its feature arrives, and add
 * the key to the schema. A key is refused whatever its value, save the documented way to say "off".
 */
interface Unavailable {
  /** The path, `*` standing for any one key or index. */
  readonly key: string;
  /** Whether a value turns the feature off, so that writing it changes nothing. */
  readonly off?: (value: unknown) => boolean;
  /** The one value that is available: the schema knows it, and it stays in the config. */
  readonly but?: string;
  /** The protocol of the listener it is about; without it, every one. */
  readonly protocol?: 'http' | 'tcp';
}

const is =
  (...values: unknown[]) =>
  (value: unknown) =>
    values.includes(value);

const rows: readonly Unavailable[] = [
  { key: 'listeners.*.dataplane', but: 'userspace', protocol: 'tcp' },
  { key: 'pools.*.discover', off: is(false) },
  { key: 'pools.*.spawn', off: is(false) },
];

/** The documented keys that this version refuses; for the reference. */
export const unavailableKeys = rows.map(({ key, but, protocol }) => ({ key, but, protocol }));

/**
 * Finds what is not available yet, and takes those keys out of `root` (which it changes), the ones that are off too,
 * so that the schema need not know them.
 */
export function takeUnavailable(root: unknown): Finding[] {
  const findings: Finding[] = [];
  for (const row of rows) {
    for (const path of pathsTo(root, row.key.split('.'))) {
      if (row.protocol !== undefined && protocolOf(root, path) !== row.protocol) continue;
      const finding = judge(row, root, path);
      if (finding) findings.push(finding);
    }
  }
  return findings;
}

function judge(row: Unavailable, root: unknown, path: Path): Finding | undefined {
  const holder = path.slice(0, -1).reduce(get, root) as RawObject;
  const last = path.at(-1)!;
  const value = fromText(holder[last]);
  if (row.but !== undefined && value === row.but) return undefined;
  delete holder[last];
  return row.off?.(value) ? undefined : { path, message: 'not available yet' };
}

/** What comes out of the environment is text; the words and numbers that turn features off are meant all the same. */
function fromText(value: unknown): unknown {
  if (value === 'false') return false;
  return value === '0' ? 0 : value;
}

function protocolOf(root: unknown, path: Path): unknown {
  return get(path.slice(0, 2).reduce(get, root), 'protocol');
}

/** Every path in `root` that the steps lead to, `*` being any key. */
function pathsTo(root: unknown, steps: readonly string[]): Path[] {
  let found: { path: Path; value: unknown }[] = [{ path: [], value: root }];
  for (const step of steps) {
    found = found.flatMap(({ path, value }) =>
      keysOf(value, step).map((key) => ({ path: [...path, key], value: get(value, key) })),
    );
  }
  return found.map(({ path }) => path);
}

function keysOf(value: unknown, step: string): (string | number)[] {
  if (Array.isArray(value)) return step === '*' ? [...value.keys()] : [];
  if (!isObject(value)) return [];
  if (step === '*') return Object.keys(value);
  return Object.hasOwn(value, step) ? [step] : [];
}
