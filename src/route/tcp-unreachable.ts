import { type Cidr, parseCidr } from '../support/cidr.ts';
import { alternatives } from './condition.ts';
import { isWithin } from './matchers/source.ts';
import type { TcpMatch } from './tcp-routes.ts';
import { type Comparable, coversAll, reasonOf, type Unreachable } from './unreachable.ts';

/** One condition of a route: what it takes is what any of its entries takes. */
class Entries<E> implements Comparable {
  readonly subject: keyof TcpMatch;
  readonly expected: string;
  readonly #entries: readonly E[];
  readonly #takes: (wide: E, narrow: E) => boolean;

  constructor(subject: keyof TcpMatch, written: readonly string[], kind: EntryKind<E>) {
    this.subject = subject;
    this.expected = alternatives(written);
    this.#entries = written.map(kind.read);
    this.#takes = kind.takes;
  }

  covers(other: Comparable): boolean {
    if (!(other instanceof Entries) || other.subject !== this.subject) return false;
    const narrow: readonly E[] = other.#entries;
    return narrow.every((entry) => this.#entries.some((wide) => this.#takes(wide, entry)));
  }
}

interface EntryKind<E> {
  read(written: string): E;
  /** Whether every connection that `narrow` fits is one that `wide` fits. */
  takes(wide: E, narrow: E): boolean;
}

const serverNames: EntryKind<string> = {
  read: (written) => written.toLowerCase(),
  takes: (wide, narrow) =>
    wide === narrow || (wide.startsWith('*.') && narrow.replace(/^\*/, '').endsWith(wide.slice(1))),
};

const protocols: EntryKind<string> = { read: (written) => written, takes: (wide, narrow) => wide === narrow };

const ranges: EntryKind<Cidr | string> = {
  read: parseCidr,
  takes: (wide, narrow) => typeof wide !== 'string' && typeof narrow !== 'string' && isWithin(narrow, wide),
};

/**
 * Finds routes of a tcp listener that can never match, since one earlier route takes everything they could. Never a false
 * alarm; what only several earlier routes take together goes unnoticed. A route is compared only with those before it
 * that have its server name, one above it or none, so thousands take no long time. Where the listener ends TLS itself, `offers`
 * are the protocols that ALPN can settle on, and a route for none of them cannot match either.
 */
export function findUnreachableTcp(matches: readonly TcpMatch[], offers?: readonly string[]): Unreachable[] {
  const found: Unreachable[] = [];
  const reachable = new Map<string, { readonly index: number; readonly conditions: readonly Comparable[] }[]>();
  for (const [index, match] of matches.entries()) {
    if (offers !== undefined && match.alpn?.every((protocol) => !offers.includes(protocol)) === true) {
      const offered = offers.length === 0 ? 'tls.alpn offers none' : `tls.alpn offers ${alternatives(offers)}`;
      found.push({ index, by: index, reason: `its alpn is ${alternatives(match.alpn)}, and ${offered}` });
      continue;
    }
    const conditions = conditionsOf(match);
    const by = namesAbove(match.sni?.[0])
      .flatMap((name) => reachable.get(name)?.find((earlier) => coversAll(earlier.conditions, conditions)) ?? [])
      .toSorted((a, b) => a.index - b.index)[0];
    if (by !== undefined) {
      const name = `route-${by.index + 1}`;
      found.push({ index, by: by.index, reason: reasonOf(name, by.conditions, conditions, 'connection') });
      continue;
    }
    for (const name of match.sni ?? ['']) {
      const key = serverNames.read(name);
      const routes = reachable.get(key);
      if (routes === undefined) reachable.set(key, [{ index, conditions }]);
      else routes.push({ index, conditions });
    }
  }
  return found;
}

function conditionsOf({ sni, alpn, source }: TcpMatch): Comparable[] {
  return [
    ...(source === undefined ? [] : [new Entries('source', source, ranges)]),
    ...(sni === undefined ? [] : [new Entries('sni', sni, serverNames)]),
    ...(alpn === undefined ? [] : [new Entries('alpn', alpn, protocols)]),
  ];
}

/** Every way in which a route can have a name: the name, the wildcards above it, and '' for a route without names. */
function namesAbove(written: string | undefined): string[] {
  if (written === undefined) return [''];
  const name = serverNames.read(written);
  const labels = name.split('.');
  return ['', name, ...labels.slice(1).map((_, at) => `*.${labels.slice(at + 1).join('.')}`)];
}
