import { Captures } from './captures.ts';
import { hasDotSegments, normalPattern } from './path-reading.ts';
import { RawPath } from './raw-path.ts';
import { locationOf } from './redirect.ts';
import { Template } from './template.ts';

/** How a route changes the paths of its requests: one of the two. */
export interface PathRewrite {
  /** A path whose segments are taken off at the start: `/v1`. */
  readonly stripPrefix?: string | undefined;
  /** The new path, `$1` to `$9` being what a regular expression of the route's path captured. */
  readonly path?: string | undefined;
}

/** Gives the new target for one in origin form, or `undefined` when it cannot be told safely what it means. */
export type TargetRewrite = (target: string) => string | undefined;

/**
 * How requests of a route are rewritten whose `match.path` is `paths`. The query goes along as it is. A path that does
 * not begin with the prefix, and the `*` of OPTIONS, stay. What comes out begins with one slash, and has no dot segments
 * that the request has not: a capture that would make them is refused.
 */
export function targetRewrite({ stripPrefix, path }: PathRewrite, paths: readonly string[]): TargetRewrite | undefined {
  if (path !== undefined) return onPath(replacing(path, paths));
  if (stripPrefix === undefined) return undefined;
  const prefix = normalPattern(stripPrefix).replace(/\/$/, '');
  return onPath((written) => {
    const raw = RawPath.read(written);
    if (raw === undefined) return undefined;
    const { normal } = raw;
    if (!normal.startsWith(prefix)) return written;
    if (normal.length === prefix.length) return '/';
    return normal[prefix.length] === '/' ? oneSlash(raw.slice(prefix.length, normal.length)) : written;
  });
}

function onPath(rewrite: (path: string) => string | undefined): TargetRewrite {
  return (target) => {
    if (target === '*') return target;
    const mark = target.indexOf('?');
    if (mark < 0) return rewrite(target);
    const path = rewrite(target.slice(0, mark));
    return path === undefined ? undefined : path + target.slice(mark);
  };
}

function replacing(written: string, paths: readonly string[]): (path: string) => string | undefined {
  const template = new Template(written);
  if (template.highest === 0) {
    const fixed = template.start;
    return () => fixed;
  }
  const captures = new Captures(paths);
  return (path) => {
    const groups = capturedIn(path, captures);
    if (groups === undefined) return undefined;
    const filled = oneSlash(template.fill((number) => groups[number] ?? ''));
    return hasDotSegments(filled) ? undefined : filled;
  };
}

function capturedIn(path: string, captures: Captures): readonly string[] | undefined {
  const raw = RawPath.read(path);
  return raw === undefined ? undefined : captures.of(raw);
}

/** With two slashes at its start, a path could be taken for a host and a path. Browsers take a backslash for a slash. */
function oneSlash(path: string): string {
  return path.replace(/^\/[/\\]+/, '/');
}

/** In a query these would end a value, or the query; in a Location they are not allowed at all. */
const special = { query: /[&+=;#"<>\\^`{|}]/g, path: /[?#"<>\\^`{|}]/g, wholeQuery: /[#"<>\\^`{|}]/g };

/**
 * Where a redirect leads, as the Location field has it; `undefined` when it cannot be told safely what the path means.
 * Captures are the operator's to place, the client's to fill: they cannot lead to another host, as `redirectProblem`
 * makes sure for URLs and one slash for paths, nor begin a parameter of the query. Nothing else of the request goes along
 * but its query, and that only when `keepQuery` says so.
 */
export function redirectLocation(
  { to, keepQuery = false }: { readonly to: string; readonly keepQuery?: boolean },
  paths: readonly string[],
): TargetRewrite {
  const locate = withoutQuery(to, paths);
  if (!keepQuery) return locate;
  return (target) => {
    const mark = target.indexOf('?');
    const location = locate(target);
    return mark < 0 || location === undefined ? location : joinQuery(location, target.slice(mark + 1));
  };
}

/** Puts the query of a request behind what a location has, and before its fragment. */
function joinQuery(location: string, query: string): string {
  const [, start = '', fragment = ''] = /^([^#]*)(.*)$/s.exec(location)!;
  const escaped = query.replace(special.wholeQuery, percentEncoded);
  return `${start}${start.includes('?') ? '&' : '?'}${locationOf(escaped)}${fragment}`;
}

function percentEncoded(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
}

function withoutQuery(to: string, paths: readonly string[]): TargetRewrite {
  const template = new Template(to);
  if (template.highest === 0) {
    const fixed = locationOf(template.start);
    return () => fixed;
  }
  const captures = new Captures(paths);
  return (target) => {
    const groups = capturedIn(target.replace(/\?.*/, ''), captures);
    if (groups === undefined) return undefined;
    const filled = template.fill((number, before) => {
      const unsafe = /[?#]/.test(before) ? special.query : special.path;
      return (groups[number] ?? '').replace(unsafe, percentEncoded);
    });
    return locationOf(oneSlash(filled));
  };
}

/** Why captures may not stand where a redirect has them; `undefined` when they may. */
export function redirectProblem(to: string): string | undefined {
  const template = new Template(to);
  if (template.highest === 0 || /^(?:\/|https?:\/\/[^/?#]+[/?#])/i.test(template.start)) return undefined;
  return 'a capture may not be part of the host, or a client could choose where it is sent';
}
