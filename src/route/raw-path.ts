import { decode, isPlainPath, readPath } from './path-reading.ts';

/** What stands for one character of the normal form, or for one escape that the normal form keeps. */
const token = /\/+|%[0-9A-Fa-f]{2}|./gs;

/**
 * A path as received, beside its normal form (see path-reading.ts). What is cut out of the normal form is given back as
 * the client wrote it, so that a rewrite decodes and escapes nothing. Only dot segments are resolved, since they would
 * reach out of what a rewrite puts before them.
 */
export class RawPath {
  readonly normal: string;
  readonly #raw: string;
  /** For each place in the normal form, where in the raw path it begins; undefined when the two are one. */
  readonly #offsets: readonly number[] | undefined;

  private constructor(normal: string, raw: string, offsets?: readonly number[]) {
    this.normal = normal;
    this.#raw = raw;
    this.#offsets = offsets;
  }

  /** Reads a path; `undefined` when it cannot be told what it means. */
  static read(path: string): RawPath | undefined {
    if (isPlainPath(path)) return new RawPath(path, path);
    const reading = readPath(path);
    if (reading.doubt !== '') return undefined;
    const raw = withoutDots(path);
    const offsets: number[] = [];
    let normal = '';
    for (const { 0: written, index } of raw.matchAll(token)) {
      const read = written.startsWith('/') ? '/' : decode(written);
      for (let i = 0; i < read.length; i++) offsets.push(index);
      normal += read;
    }
    offsets.push(raw.length);
    return new RawPath(normal, raw, offsets);
  }

  /** What the client wrote for `normal[start..end)`; an escape that is cut through is given whole. */
  slice(start: number, end: number): string {
    if (this.#offsets === undefined || start >= end) return this.#raw.slice(start, end);
    let last = end;
    while (last < this.normal.length && this.#offsets[last] === this.#offsets[end - 1]) last++;
    return this.#raw.slice(this.#offsets[start], this.#offsets[last]);
  }
}

/** RFC 3986 §5.2.4 on segments as they were written; their escapes stay. */
function withoutDots(path: string): string {
  const segments = path.split('/').slice(1);
  const names = segments.map((segment) => (segment.includes('.') || segment.includes('%') ? decode(segment) : segment));
  if (!names.some((name) => name === '.' || name === '..')) return path;
  const kept: string[] = [];
  for (const [index, name] of names.entries()) {
    if (name === '..') kept.pop();
    else if (name !== '.') kept.push(segments[index]!);
  }
  if (/^\.{1,2}$/.test(names.at(-1)!)) kept.push('');
  return `/${kept.join('/')}`;
}
