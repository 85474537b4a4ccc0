/**
 * How a path is read for matching. What goes to the backend is the target as received, and a backend may decode and
 * normalise it in ways of its own. So `/public/../admin`, `/%61dmin` or `/admin%2Fusers` must not pass a route by in
 * one reading and be served in another. Routes are matched on a copy in normal form (RFC 3986 §6.2.2, further decoded),
 * and a path that is known to be read in two ways is matched in both and refused when the two disagree.
 *
 * The normal form: printable ASCII stands for itself, except `/`, `%` and `\` that were or have to be escaped (`%2F`,
 * `%25`, `%5C`), as a `%` that begins no escape is; every other byte is `%XX` in upper case; runs of slashes are one;
 * dot segments are removed.
 * The second reading, where there is one:
 * - of a path with dot segments: they are names like others;
 * - of a path with an escaped slash or a backslash: that is a slash;
 * - of a path that begins with two slashes: the first segment is an authority, as `new URL(path, base)` takes it.
 * A path that has two of these, or dot segments of which some are escaped and some are not, or one that is hidden behind
 * an escaped slash, a backslash or a `;`, is refused without looking: no honest client sends it. What is not seen
 * through: escapes that are escaped again, and backends for which names differ that differ here (`/Admin`, `/admin;x`).
 */
export interface PathReading {
  readonly normal: string;
  /** The other way to read it; `undefined` when all backends should agree. */
  readonly other: string | undefined;
  /** Why no reading may be trusted; '' when the readings are all there are. */
  readonly doubt: string;
}

/** Longest path, in characters, that is decoded. A longer one that would have to be is refused. */
export const MAX_DECODED_PATH = 8192;

const notPlain = /%|\\|\/(?:\/|\.{1,2}(?:[/;]|$))/;
const toDecode = /%[0-9A-Fa-f]{2}|[%\\]/g;
const slashes = /\/{2,}/g;
const disguisedSlash = /%2F|%5C/g;
const dotSegment = /\/\.{1,2}(?:;[^/]*)?(?=\/|$)/;
const escapedDot = /%2e/i;
const parameterOnDots = /\/\.{1,2};/;
const authority = /^\/{2,}[^/]*/;

/** Whether the path is in normal form as it stands, as nearly every path is. */
export function isPlainPath(path: string): boolean {
  return !notPlain.test(path);
}

/** Reads a path as received; its cost is in proportion to its length, and that is bounded. */
export function readPath(path: string): PathReading {
  if (path.length > MAX_DECODED_PATH)
    return doubtful(
      path,
      `its path is too long to be decoded (${path.length} characters, at most ${MAX_DECODED_PATH})`,
    );
  const decoded = decode(path);
  const unescaped = decoded.replace(disguisedSlash, '/');
  const slashed = unescaped !== decoded;
  if (dotSegment.test(unescaped)) {
    const mixed = escapedDot.test(path) && dotSegment.test(path);
    if (mixed || slashed || decoded.includes('//') || parameterOnDots.test(decoded))
      return doubtful(path, 'its path has dot segments that backends read in different ways');
    return { normal: withoutDotSegments(decoded), other: decoded, doubt: '' };
  }
  if (slashed && unescaped.startsWith('//'))
    return doubtful(path, 'its path begins with two slashes, one of them escaped or a backslash');
  const normal = decoded.replace(slashes, '/');
  if (slashed) return { normal, other: unescaped.replace(slashes, '/'), doubt: '' };
  if (decoded.startsWith('//')) return { normal, other: afterAuthority(decoded), doubt: '' };
  return { normal, other: undefined, doubt: '' };
}

/** The normal form of a path in the config, where characters that no request can hold are UTF-8 yet to be escaped. */
export function normalPattern(text: string): string {
  const escaped = text.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  return withoutDotSegments(decode(escaped).replace(slashes, '/'));
}

/** Whether some backend would find dot segments in the path, however they are escaped or which slashes are. */
export function hasDotSegments(path: string): boolean {
  return dotSegment.test(decode(path).replace(disguisedSlash, '/'));
}

function doubtful(path: string, doubt: string): PathReading {
  return { normal: path, other: undefined, doubt };
}

/** Decodes every escape that the normal form does without; runs of slashes and dot segments stay. */
export function decode(path: string): string {
  return path.replace(toDecode, decodeOne);
}

function decodeOne(escaped: string): string {
  if (escaped === '\\') return '%5C';
  if (escaped === '%') return '%25';
  const code = Number.parseInt(escaped.slice(1), 16);
  const structural = code === 0x25 || code === 0x2f || code === 0x5c;
  return code > 0x20 && code < 0x7f && !structural ? String.fromCharCode(code) : escaped.toUpperCase();
}

/** RFC 3986 §5.2.4, for a path without empty segments; what does not begin with a slash is no path. */
function withoutDotSegments(path: string): string {
  if (!path.startsWith('/') || !dotSegment.test(path)) return path;
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments.slice(1)) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  // A dot segment at the end leaves the slash before it: `/a/.` and `/a/b/..` are both `/a/`.
  const last = segments.at(-1);
  if (last === '.' || last === '..') kept.push('');
  return `/${kept.join('/')}`;
}

function afterAuthority(path: string): string {
  const rest = path.replace(authority, '').replace(slashes, '/');
  return rest === '' ? '/' : rest;
}
