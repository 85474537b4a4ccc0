import {
  type Alias,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Finding, Path } from './problem.ts';
import type { RawObject } from './raw.ts';

/** How many values a file may hold, those that aliases repeat counted each time: aliases of aliases grow fast. */
const mostValues = 100_000;
/** How deep values may nest; an alias inside of what it stands for would have no end. */
const deepest = 64;

/** What is said of values that nest deeper. */
export const tooDeep = `too much, expected at most ${deepest} levels`;

/** A finding that knows where in the text it stands. */
export interface PlacedFinding extends Finding {
  readonly offset: number;
}

interface Spot {
  /** Offset of the key, or of the value where there is no key. */
  readonly key: number;
  readonly value: number;
}

/**
 * The plain value of parsed YAML, with the offsets of all of its parts. Done here rather than by the parser's own
 * conversion, because that neither keeps places nor bounds the depth, and turns odd keys into text.
 */
export class NodeReader {
  readonly findings: PlacedFinding[] = [];
  /** The value of the whole text; null when it is empty. */
  readonly value: unknown;
  readonly #spots = new Map<string, Spot>();
  readonly #resolve: (alias: Alias) => Node | undefined;
  #values = 0;
  #full = false;

  constructor(contents: Node | null, resolve: (alias: Alias) => Node | undefined) {
    this.#resolve = resolve;
    this.value = contents === null ? null : this.#read(contents, [], offsetOf(contents, 0));
  }

  /** The offset of what stands at the path, or of the key of its nearest ancestor that is written. */
  offsetOf(path: Path, part: 'key' | 'value'): number {
    const spot = this.#spots.get(JSON.stringify(path));
    if (spot) return spot[part];
    return path.length === 0 ? 0 : this.offsetOf(path.slice(0, -1), 'key');
  }

  #read(node: Node, path: Path, keyOffset: number): unknown {
    const offset = offsetOf(node, keyOffset);
    this.#spots.set(JSON.stringify(path), { key: keyOffset, value: offset });
    if (this.#isTooMuch(path, offset)) return null;
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node)) return this.#list(node, path);
    if (isScalar(node)) return node.value;
    return this.#alias(node as Alias, path, { key: keyOffset, value: offset });
  }

  /** Once one bound is passed nothing more is read: aliases of aliases would take for ever to pass them all. */
  #isTooMuch(path: Path, offset: number): boolean {
    if (this.#full) return true;
    const isDeep = path.length > deepest;
    this.#full = isDeep || ++this.#values > mostValues;
    if (this.#full) {
      const message = isDeep ? tooDeep : `too much, expected at most ${mostValues} values`;
      this.findings.push({ path: path.slice(0, 1), offset, message });
    }
    return this.#full;
  }

  #alias(alias: Alias, path: Path, spot: Spot): unknown {
    const meant = this.#resolve(alias);
    if (!meant) {
      const message = `got *${alias.source}, expected an anchor &${alias.source} before it`;
      this.findings.push({ path, offset: spot.value, message });
      return null;
    }
    const value = this.#read(meant, path, spot.key);
    // What is inside stands where it is written; the whole stands here, where it was asked for.
    this.#spots.set(JSON.stringify(path), spot);
    return value;
  }

  #list(list: YAMLSeq, path: Path): unknown[] {
    return list.items.map((item, index) => {
      const at = [...path, index];
      return isNode(item) ? this.#read(item, at, offsetOf(item, this.offsetOf(path, 'value'))) : null;
    });
  }

  #map(map: YAMLMap, path: Path): RawObject {
    const out: RawObject = {};
    for (const pair of map.items) {
      const start = this.offsetOf(path, 'value');
      const offset = isNode(pair.key) ? offsetOf(pair.key, start) : start;
      const key = keyOf(pair);
      if (key === undefined) {
        this.findings.push({ path, offset, message: 'there is a key that is not plain text, expected a name' });
      } else if (isMergeKey(pair)) {
        this.findings.push({
          path: [...path, key],
          offset,
          message: 'merge keys are not supported: write the keys here',
        });
      } else if (Object.hasOwn(out, key)) {
        this.findings.push({ path: [...path, key], offset, message: 'this key is there twice, expected it once' });
      } else {
        // Assigning to `__proto__` would set the prototype instead of a key.
        const value = isNode(pair.value) ? this.#read(pair.value, [...path, key], offset) : null;
        Object.defineProperty(out, key, { value, enumerable: true });
      }
    }
    return out;
  }
}

/** `<<` without quotes, which YAML 1.1 merged another object by. */
function isMergeKey({ key }: Pair): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.value === '<<';
}

function keyOf(pair: Pair): string | undefined {
  return isScalar(pair.key) && pair.key.value !== null ? String(pair.key.value) : undefined;
}

/** Where a node is written; `fallback` for one of no length, such as the nothing after `key:`. */
function offsetOf(node: Node, fallback: number): number {
  const range = node.range;
  return range && (range[1] > range[0] || isAlias(node)) ? range[0] : fallback;
}
