import type { Finding, Path } from './problem.ts';
import { isObject, type RawObject } from './raw.ts';

/** What is wrong with the traffic tools of a route: they are about requests that go to a pool. */
export function trafficFindings(path: Path, route: RawObject): Finding[] {
  const findings: Finding[] = [];
  for (const tool of ['mirror', 'fault'] as const) {
    if (!isObject(route[tool])) continue;
    if (route['pool'] === undefined && route['split'] === undefined)
      findings.push({ path: [...path, tool], message: 'the route has no pool, expected pool or split' });
  }
  const { fault } = route as { fault?: unknown };
  if (isObject(fault) && fault['delay'] === undefined && fault['status'] === undefined)
    findings.push({ path: [...path, 'fault'], message: 'nothing to do, expected delay or status' });
  return findings;
}
