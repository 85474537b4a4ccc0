import { groupCount } from '../route/captures.ts';
import { Template } from '../route/template.ts';
import type { Finding, Path } from './problem.ts';
import { get, isObject, type RawObject } from './raw.ts';

/** What is wrong between a route's rewrite or redirect and the rest of the route. */
export function rewriteFindings(path: Path, route: RawObject): Finding[] {
  const rewrite = route['rewrite'];
  const both = get(rewrite, 'stripPrefix') !== undefined && get(rewrite, 'path') !== undefined;
  return [
    ...(both
      ? [{ path: [...path, 'rewrite', 'path'], message: 'there is stripPrefix too, expected only one of them' }]
      : []),
    ...captureFindings(route, [...path, 'rewrite', 'path'], get(rewrite, 'path')),
    ...captureFindings(route, [...path, 'redirect', 'to'], get(route['redirect'], 'to')),
    ...idleFindings(path, route),
  ];
}

/** A capture has to be one, whichever of the path's alternatives matched. */
function captureFindings(route: RawObject, path: Path, template: unknown): Finding[] {
  if (typeof template !== 'string') return [];
  const { highest } = new Template(template);
  if (highest === 0) return [];
  const complain = (reason: string): Finding[] => [{ path, message: `there is no $${highest}: ${reason}` }];
  const written = get(route['match'], 'path');
  const patterns = Array.isArray(written) ? written : written === undefined ? [] : [written];
  if (patterns.length === 0) return complain('match.path is missing, expected a regular expression there');
  for (const pattern of patterns) {
    if (typeof pattern !== 'string') return [];
    if (!pattern.startsWith('~'))
      return complain(`${pattern} in match.path captures nothing, expected a regular expression`);
    const groups = groupsIn(pattern.slice(1));
    if (groups < highest)
      return complain(`${pattern} in match.path captures ${groups === 0 ? 'nothing' : `only ${groups}`}`);
  }
  return [];
}

/** An expression that is none is reported for itself. */
function groupsIn(source: string): number {
  try {
    return groupCount(source);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Changes to requests that are sent to no backend. */
function idleFindings(path: Path, route: RawObject): Finding[] {
  const own = ['redirect', 'respond'].find((key) => route[key] !== undefined);
  if (own === undefined || route['pool'] !== undefined || route['split'] !== undefined) return [];
  const message = `has no effect, since the route sends nothing to a backend but has ${own}`;
  const request = get(route['headers'], 'request');
  const edits =
    isObject(request) &&
    Object.values(request).some((edit) =>
      isObject(edit) ? Object.keys(edit).length > 0 : Array.isArray(edit) && edit.length > 0,
    );
  return [
    ...(route['rewrite'] === undefined ? [] : [{ path: [...path, 'rewrite'], message }]),
    ...(edits ? [{ path: [...path, 'headers', 'request'], message }] : []),
  ];
}
