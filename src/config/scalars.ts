import type { z } from 'zod';
import { type Address, parseAddress } from '../support/address.ts';
import { formatBytes, parseBytes } from '../support/bytes.ts';
import { parseCidr } from '../support/cidr.ts';
import { formatDuration, longestDurationMs, parseDuration } from '../support/duration.ts';
import { formatPercent, parsePercent } from '../support/percent.ts';
import { parseRate, type Rate } from '../support/rate.ts';
import { closest } from '../support/suggest.ts';
import { didYouMean } from './problem.ts';
import { type JsonScalar, Refusal, type ScalarForm, scalar } from './scalar.ts';

/** What a free name (of a listener, route, pool, backend) must look like: names become metric labels and URL parts. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** `namePattern` in words. */
export const nameRule = '1 to 64 letters, digits, "_", "." or "-", the first a letter or digit';

type Text = Pick<ScalarForm<string>, 'title' | 'expected' | 'secret'> & {
  readonly json?: JsonScalar;
  check?(text: string): Refusal | undefined;
};

/** Text that passes a check. */
export function text(form: Text): z.ZodType<string, string> {
  const { check, json, ...rest } = form;
  return scalar({
    ...rest,
    json: { type: 'string', ...json },
    parse: (written) =>
      typeof written === 'string' ? (check?.(written) ?? written) : new Refusal(undefined, 'put it in quotes'),
  });
}

/** Text that a pattern matches. */
export function matching(title: string, pattern: RegExp, expected: string): z.ZodType<string, string> {
  return text({
    title,
    expected,
    json: { pattern: pattern.source },
    check: (written) => (pattern.test(written) ? undefined : new Refusal()),
  });
}

/** A free name, see `namePattern`. */
export function name(): z.ZodType<string, string> {
  return matching('name', namePattern, `a name of ${nameRule}`);
}

/** The name of a pool; whether there is one is checked apart. */
export function poolName(): z.ZodType<string, string> {
  return text({ title: 'name of a pool', expected: 'the name of a pool' });
}

/** Whole milliseconds, written as a duration with its unit; only 0 needs none. `min` and `max` are in ms. */
export function duration(limits: { readonly min?: number; readonly max?: number } = {}): z.ZodType<number, string | 0> {
  const { min = 1, max = longestDurationMs } = limits;
  return scalar({
    title: 'duration',
    expected: 'a duration such as 250ms, 5s, 2m or 1h',
    json: {
      anyOf: [{ type: 'string', pattern: '^(0|\\d+(\\.\\d+)?(ms|s|m|h))$' }, ...(min === 0 ? [{ const: 0 }] : [])],
    },
    parse(written) {
      const ms = parseDuration(String(written));
      if (ms === undefined) return new Refusal(/^\d+$/.test(String(written)) ? 'the unit is missing' : undefined);
      if (ms < min) return new Refusal(min === 1 ? 'it must be above 0' : `it must be at least ${formatDuration(min)}`);
      return ms > max ? new Refusal(`it must be at most ${formatDuration(max)}`) : ms;
    },
  });
}

/** Bytes, written as a size or a plain number. `min` and `max` are in bytes; 0 passes whatever `min` is. */
export function bytes(
  limits: { readonly min?: number; readonly max?: number } = {},
): z.ZodType<number, string | number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = limits;
  return scalar({
    title: 'size',
    expected: 'a size such as 512B, 16KiB or 10MiB',
    json: {
      anyOf: [
        { type: 'string', pattern: '^\\d+(B|KiB|MiB|GiB)?$' },
        { type: 'integer', minimum: min },
      ],
    },
    parse(written) {
      const size = typeof written === 'boolean' ? undefined : parseBytes(written);
      if (size === undefined) return new Refusal(undefined, binaryUnit(String(written)));
      if (size !== 0 && size < min) return new Refusal(`it must be at least ${formatBytes(min)}`);
      return size > max ? new Refusal(`it must be at most ${formatBytes(max)}`) : size;
    },
  });
}

function binaryUnit(written: string): string | undefined {
  const parts = /^(\d+) ?([kmg])i?b?$/i.exec(written);
  return parts ? didYouMean(`${parts[1]}${parts[2]!.toUpperCase()}iB`) : undefined;
}

/** So many in a time; see `Rate`. */
export function rate(): z.ZodType<Rate, string> {
  return scalar({
    title: 'rate',
    expected: 'a rate such as 100/s, 600/m or 20/10s',
    json: { type: 'string', pattern: '^[1-9]\\d{0,8}/\\d*(\\.\\d+)?(ms|s|m|h)$' },
    parse: (written) => rateOf(String(written)),
  });
}

/** Likewise, or 0 for no limit. */
export function rateOrNone(): z.ZodType<Rate | 0, string | 0> {
  return scalar<string | 0, Rate | 0>({
    title: 'rate or 0',
    expected: 'a rate such as 100/s, 600/m or 20/10s, or 0 for no limit',
    json: { anyOf: [{ type: 'string', pattern: '^([1-9]\\d{0,8}/\\d*(\\.\\d+)?(ms|s|m|h)|0)$' }, { const: 0 }] },
    parse: (written) => (String(written) === '0' ? 0 : rateOf(String(written))),
  });
}

function rateOf(written: string): Rate | Refusal {
  return parseRate(written) ?? new Refusal(/^\d+$/.test(written) ? 'the time is missing' : undefined);
}

/** A fraction 0..1, written as a percentage. */
export function percent(): z.ZodType<number, string> {
  return scalar({
    title: 'percentage',
    expected: `a percentage from ${formatPercent(0)} to ${formatPercent(1)}`,
    json: { type: 'string', pattern: '^\\d+(\\.\\d+)?%$' },
    parse: (written) => parsePercent(String(written)) ?? new Refusal(),
  });
}

/** A whole number; digits in quotes are read too, which is how one comes out of the environment. */
export function integer(min: number, max: number): z.ZodType<number, number> {
  return scalar({
    title: 'whole number',
    expected: `a whole number from ${min} to ${max}`,
    json: { type: 'integer', minimum: min, maximum: max },
    parse(written) {
      const value = numberOf(written);
      return Number.isInteger(value) && value >= min && value <= max ? value : new Refusal();
    },
  });
}

/** A number above 0 and at most 1. */
export function fraction(): z.ZodType<number, number> {
  return scalar({
    title: 'fraction',
    expected: 'a number above 0 and at most 1',
    json: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    parse(written) {
      const value = numberOf(written);
      return value > 0 && value <= 1 ? value : new Refusal();
    },
  });
}

function numberOf(written: string | number | boolean): number {
  if (typeof written === 'number') return written;
  return typeof written === 'string' && /^-?\d+(\.\d+)?$/.test(written) ? Number(written) : Number.NaN;
}

/** true or false; the words in quotes are read too, which is how they come out of the environment. */
export function flag(): z.ZodType<boolean, boolean> {
  return scalar({
    title: 'true or false',
    expected: 'true or false',
    json: { type: 'boolean' },
    parse(written) {
      if (written === true || written === 'true') return true;
      return written === false || written === 'false' ? false : new Refusal();
    },
  });
}

/** The value `false`, which turns a section off. */
export function off(): z.ZodType<false, false> {
  return scalar({
    title: 'false',
    expected: 'false',
    json: { const: false },
    parse: (written) => (written === false || written === 'false' ? false : new Refusal()),
  });
}

/** One of a few words, numbers or flags. */
export function choice<const V extends string | number | boolean>(values: readonly V[]): z.ZodType<V, V> {
  return scalar({
    title: 'one of',
    expected: oneOf(values),
    json: { enum: values },
    parse(written) {
      const meant = values.find((value) => value === written || String(value) === written);
      const words = values.filter((value) => typeof value === 'string');
      return meant ?? new Refusal(undefined, didYouMean(closest(String(written), words)));
    },
  });
}

/** `a, b or c`. */
export function oneOf(values: readonly (string | number | boolean)[]): string {
  return values.length < 2 ? values.join() : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

const addressForms = 'host:port, [ipv6]:port or unix:/path';

/** Where to listen: any address, port 0 (any free one) included. */
export function bindAddress(): z.ZodType<Address, string> {
  return address({ expected: `:port, ${addressForms}`, forBackend: false });
}

/** Where a backend is: an address with a host and a port. */
export function backendAddress(): z.ZodType<Address, string> {
  return address({ expected: addressForms, forBackend: true });
}

function address(form: { expected: string; forBackend: boolean }): z.ZodType<Address, string> {
  return scalar({
    title: 'address',
    expected: form.expected,
    json: { type: 'string' },
    parse(written) {
      if (/^\d+$/.test(String(written))) {
        return new Refusal(undefined, didYouMean(form.forBackend ? `127.0.0.1:${written}` : `:${written}`));
      }
      const parsed = parseAddress(String(written));
      if (typeof parsed === 'string') return new Refusal(parsed);
      const incomplete = form.forBackend && parsed.kind === 'tcp' && (parsed.host === '::' || parsed.port === 0);
      return incomplete ? new Refusal('a backend needs a host and a port above 0') : parsed;
    },
  });
}

/** An IP address or a range of them; stays text. */
export function cidr(): z.ZodType<string, string> {
  return text({
    title: 'CIDR',
    expected: 'an IP address or range such as 10.0.0.0/8 or 2001:db8::/32',
    check(written) {
      const parsed = parseCidr(written);
      return typeof parsed === 'string' ? new Refusal(parsed) : undefined;
    },
  });
}

/** Why the text is no regular expression, or `undefined` when it is one. */
export function regexProblem(source: string): Refusal | undefined {
  if (source === '') return new Refusal('the regular expression after "~" is empty');
  try {
    new RegExp(source);
    return undefined;
  } catch (error) {
    // V8 says `Invalid regular expression: /source/: reason`; the source is in the message already.
    const reason = (error as Error).message.split(': ').at(-1);
    return new Refusal(`the regular expression is invalid: ${reason}`);
  }
}
