import { Buffer } from 'node:buffer';
import type { RequestFacts } from '../../src/route/facts.ts';
import { isPlainPath, readPath } from '../../src/route/path-reading.ts';
import type { BodyMatch, MatchConfig, RouteRule, ValueMatch } from '../../src/route/rule.ts';
import { cidrSet } from '../../src/support/cidr.ts';

/** First match as one would write it down, parsing everything anew for every condition. */
export function firstMatch(rules: readonly RouteRule<string>[], facts: RequestFacts): string | undefined {
  const { normal, other, doubt } = readPath(facts.path);
  const refused = 'refused';
  const by = (path: string): string | undefined => {
    for (const { name, match } of rules) {
      if (!matchesBesidesPath(match, facts, ['method', 'host'])) continue;
      if (doubt !== '' && !isPlainPath(facts.path) && looksAtPath(match)) return refused;
      if (
        matchesPath(match.path, path) &&
        matchesBesidesPath(match, facts, ['source', 'header', 'query', 'cookie', 'body'])
      )
        return name;
    }
    return undefined;
  };
  const taken = by(normal);
  return taken === refused || (other !== undefined && by(other) !== taken) ? undefined : taken;
}

type Part = 'method' | 'host' | 'source' | 'header' | 'query' | 'cookie' | 'body';

function matchesBesidesPath(match: MatchConfig, facts: RequestFacts, parts: readonly Part[]): boolean {
  const checks: Record<Part, () => boolean> = {
    method: () => match.method === undefined || match.method.some((method) => method === facts.method),
    host: () => match.host === undefined || match.host.some((host) => matchesHost(host, facts.host)),
    source: () => match.source === undefined || match.source.some((range) => cidrSet([range]).has(facts.source)),
    header: () => allNamed(match.header, (name) => one(facts.header(name.toLowerCase()))),
    query: () => allNamed(match.query, (name) => new URLSearchParams(facts.query).getAll(name)),
    body: () => match.body === undefined || matchesBody(match.body, facts),
    cookie: () => allNamed(match.cookie, (name) => cookiesOf(facts.header('cookie') ?? '', name)),
  };
  return parts.every((part) => checks[part]());
}

function memberOf(value: unknown, step: string): unknown {
  return Object(value) === value ? (value as Record<string, unknown>)[step] : undefined;
}

function matchesBody(match: BodyMatch, facts: RequestFacts): boolean {
  const bytes = facts.body(match.limit);
  if (!bytes) return false;
  const text = Buffer.from(bytes).toString();
  if (match.kind === 'contains') return text.includes(match.text);
  if (match.kind === 'form') {
    const form = (facts.header('content-type') ?? 'form').includes('form');
    return form && matchesValues(match.is, new URLSearchParams(text).getAll(match.name));
  }
  try {
    const value = match.path.split('.').reduce(memberOf, JSON.parse(text) as unknown);
    const simple = Object(value) !== value && value !== null;
    return (
      value !== undefined && (match.is.kind === 'present' || matchesValues(match.is, simple ? [String(value)] : []))
    );
  } catch {
    return false;
  }
}

function looksAtPath({ path }: MatchConfig): boolean {
  return path !== undefined && !path.some((pattern) => /^\/*\*$/.test(pattern) && pattern !== '*');
}

function matchesPath(patterns: readonly string[] | undefined, path: string): boolean {
  if (patterns === undefined) return true;
  return patterns.some((pattern) => {
    if (/^\/+\*$/.test(pattern)) return true;
    if (pattern.startsWith('~')) return new RegExp(pattern.slice(1)).test(path);
    const plain = readPath(pattern.replace(/\/\*$/, '/')).normal;
    return pattern.endsWith('/*') ? `${path}/`.startsWith(plain) : path === plain;
  });
}

function matchesHost(pattern: string, host: string): boolean {
  const wanted = pattern.toLowerCase().replace(/\.$/, '').split('.').reverse();
  const labels = host.split('.').reverse();
  const wild = wanted.at(-1) === '*';
  if (wild ? labels.length < wanted.length : labels.length !== wanted.length) return false;
  return wanted.every((label, index) => label === '*' || label === labels[index]);
}

function allNamed(
  matches: Readonly<Record<string, ValueMatch>> | undefined,
  valuesOf: (name: string) => readonly string[],
): boolean {
  return Object.entries(matches ?? {}).every(([name, match]) => matchesValues(match, valuesOf(name)));
}

/** The meaning of a ValueMatch for the values sent under a name, none when it is absent. */
export function matchesValues(match: ValueMatch, values: readonly string[]): boolean {
  if (match.kind === 'present') return values.length > 0;
  if (match.kind === 'absent') return values.length === 0;
  if (match.kind === 'any') return match.of.some((inner) => matchesValues(inner, values));
  return values.some((value) =>
    match.kind === 'exact' ? match.values.includes(value) : new RegExp(match.source).test(value),
  );
}

function one(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}

function cookiesOf(text: string, name: string): string[] {
  return text
    .split(';')
    .map((piece) => piece.trim().split('='))
    .filter(([key, value]) => key === name && value !== undefined)
    .map(([, value]) => value!);
}
