import type { z } from 'zod';
import { oneOrList, Refusal, scalar } from './scalar.ts';
import { matching, regexProblem, text } from './scalars.ts';

/** A condition on one header, cookie or query parameter. */
export type ValueMatch =
  | { kind: 'exact'; values: string[] }
  | { kind: 'present' }
  | { kind: 'absent' }
  | { kind: 'regex'; source: string }
  | { kind: 'any'; of: ValueMatch[] };

/** A token (RFC 9110 §5.6.2): a method, or the name of a field. */
export const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A header or cookie by name. */
export type NamedPlace = { kind: 'header' | 'cookie'; name: string };

/** Reads `header:NAME` or `cookie:NAME`; undefined for anything else. */
export function namedPlace(written: string): NamedPlace | undefined {
  const colon = written.indexOf(':');
  const kind = written.slice(0, colon);
  const name = written.slice(colon + 1);
  return (kind === 'header' || kind === 'cookie') && token.test(name) ? { kind, name } : undefined;
}

const hostLabels = '[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*';
const hostForm = new RegExp(`^(\\*\\.)?${hostLabels}$|^\\[[0-9a-f:.]+\\]$`, 'i');

/** `api.example.com`, `*.example.com` or `[::1]`, without a port; lower-cased. */
export function hostPattern(): z.ZodType<string, string> {
  return scalar({
    title: 'host',
    expected: 'a host such as api.example.com or *.example.com',
    json: { type: 'string' },
    parse(written) {
      const host = String(written);
      if (host === '*') return new Refusal('every host matches when `host` is left out');
      if (/^[^[]*:\d*$|\]:\d*$/.test(host)) return new Refusal('a host has no port here');
      if (/[^\x20-\x7e]/.test(host)) return new Refusal('letters outside ASCII are written in Punycode (xn--…)');
      return hostForm.test(host) ? host.toLowerCase() : new Refusal();
    },
  });
}

/** An exact path, a prefix that ends in a slash and a star, or `~` and a regular expression; stays text. */
export function pathPattern(): z.ZodType<string, string> {
  return text({
    title: 'path',
    expected: 'a path: exact /a, prefix /a/* or regular expression ~^/a\\d+$',
    json: { pattern: '^[/~]' },
    check(written) {
      if (written.startsWith('~')) return regexProblem(written.slice(1));
      if (!written.startsWith('/')) return new Refusal('it starts with neither "/" nor "~"');
      if (/[?#]/.test(written)) return new Refusal('a path ends before "?"; use `query` to match what follows');
      if (/[\s\x00-\x1f\x7f]/.test(written)) return new Refusal('a path has no spaces or control characters');
      const star = written.indexOf('*');
      if (star < 0 || (star === written.length - 1 && written.endsWith('/*'))) return undefined;
      return new Refusal('"*" stands only at the end, after a "/"');
    },
  });
}

/** A method as it is sent; methods are case-sensitive (RFC 9110 §9.1) and all in use are upper case. */
export function method(): z.ZodType<string, string> {
  return text({
    title: 'method',
    expected: 'a method such as GET or POST',
    check(written) {
      if (token.test(written) && written === written.toUpperCase()) return undefined;
      return new Refusal(undefined, token.test(written) ? `write ${written.toUpperCase()}` : undefined);
    },
  });
}

/** The name of a header or cookie: a token (RFC 9110 §5.6.2). */
export function tokenName(of: string): z.ZodType<string, string> {
  return matching(`name of a ${of}`, token, `the name of a ${of}`);
}

/** Reports header names that differ in case only. */
export function noHeaderTwice(byName: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const key of Object.keys(byName)) {
    const message = 'this header is there twice; header names are not case-sensitive';
    if (seen.has(key.toLowerCase())) context.issues.push({ code: 'custom', message, input: key, path: [key] });
    seen.add(key.toLowerCase());
  }
}

/** A condition on a value: exact text, true for present, false for absent, `~` and a regular expression, or a list. */
export function valueMatch(): z.ZodType<ValueMatch, string | boolean | (string | boolean)[]> {
  const single = scalar<string | boolean, ValueMatch>({
    title: 'value',
    expected: 'exact text, ~regular-expression, true (present) or false (absent), or a list of these',
    json: { type: ['string', 'boolean'] },
    parse(written) {
      if (written === true) return { kind: 'present' };
      if (written === false) return { kind: 'absent' };
      if (typeof written === 'number') return new Refusal(undefined, `put it in quotes: "${written}"`);
      if (!written.startsWith('~')) return { kind: 'exact', values: [written] };
      return regexProblem(written.slice(1)) ?? { kind: 'regex', source: written.slice(1) };
    },
  });
  return oneOrList(single).transform(joined) as z.ZodType<ValueMatch, string | boolean | (string | boolean)[]>;
}

/** A condition on a value of a body: exact text, a number, true or false, `~` and a regular expression, or a list. */
export function bodyValue(): z.ZodType<ValueMatch, Scalar | Scalar[]> {
  const single = scalar<Scalar, ValueMatch>({
    title: 'value',
    expected: 'exact text, a number, true, false, ~regular-expression, or a list of these',
    json: { type: ['string', 'number', 'boolean'] },
    parse(written) {
      if (typeof written === 'number' && !Number.isSafeInteger(written) && Number.isInteger(written)) {
        return new Refusal('it has more digits than can be told apart here', 'put it in quotes');
      }
      if (typeof written !== 'string' || !written.startsWith('~')) return { kind: 'exact', values: [String(written)] };
      return regexProblem(written.slice(1)) ?? { kind: 'regex', source: written.slice(1) };
    },
  });
  return oneOrList(single).transform(joined) as z.ZodType<ValueMatch, Scalar | Scalar[]>;
}

type Scalar = string | number | boolean;

/** Several conditions as one, their exact texts gathered so that one look-up answers them. */
function joined(matches: ValueMatch[]): ValueMatch {
  const values = matches.flatMap((match) => (match.kind === 'exact' ? match.values : []));
  const others = matches.filter((match) => match.kind !== 'exact');
  const of: ValueMatch[] = values.length > 0 ? [{ kind: 'exact', values }, ...others] : others;
  return of.length === 1 ? of[0]! : { kind: 'any', of };
}
