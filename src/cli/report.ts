import type { Loaded } from '../config/load.ts';
import { type ConfigSource, formatPath, formatProblem, type Path, type Problem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import type { ListenerConfig } from '../config/schema-listener.ts';
import { findUnreachableTcp } from '../route/tcp-unreachable.ts';
import { findUnreachable } from '../route/unreachable.ts';
import type { Paint } from './colour.ts';

/** Problems, one a line, for a person. */
export function problemLines(problems: readonly Problem[]): string {
  return problems.map((problem) => `${formatProblem(problem)}\n`).join('');
}

/** What is valid and yet hardly meant, one a line: what loading warns of, and routes that can never match. */
export function warningLines(loaded: Loaded & { ok: true }, paint: Paint): string {
  const all = [...loaded.warnings, ...unreachableRoutes(loaded.config, loaded.source)];
  return problemLines(
    all.map((problem) => ({ ...problem, message: `${paint.yellow('warning')}: ${problem.message}` })),
  );
}

/** `2 listeners, 1 pool, 3 backends`. */
export function configSummary({ listeners, pools }: Config): string {
  const backends = Object.values(pools).reduce((sum, pool) => sum + pool.backends.length, 0);
  const counts = [
    counted(Object.keys(listeners).length, 'listener'),
    counted(Object.keys(pools).length, 'pool'),
    counted(backends, 'backend'),
  ];
  return counts.join(', ');
}

/** `1 problem`, `2 problems`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function unreachableRoutes({ listeners }: Config, source: ConfigSource): Problem[] {
  return Object.entries(listeners).flatMap(([name, listener]) =>
    unreachableOf(listener).map(({ index, route, reason }) => {
      const path: Path = ['listeners', name, 'routes', index];
      const message = `route "${route}" can never match: ${reason}`;
      return { file: source.file, ...source.locate(path, 'value'), key: formatPath(path), message };
    }),
  );
}

function unreachableOf(listener: ListenerConfig): { index: number; route: string; reason: string }[] {
  if (listener.protocol === 'udp') return [];
  if (listener.protocol === 'tcp') {
    const offers = listener.tls && (listener.tls.alpn ?? []);
    const matches = listener.routes.map(({ match }) => match);
    const found = findUnreachableTcp(matches, offers || undefined);
    return found.map(({ index, reason }) => ({ index, route: `route-${index + 1}`, reason }));
  }
  const rules = listener.routes.map((route) => ({ name: route.name, match: route.match, payload: undefined }));
  return findUnreachable(rules).map(({ index, reason }) => ({ index, route: rules[index]!.name, reason }));
}
