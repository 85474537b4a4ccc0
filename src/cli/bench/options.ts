import { parseDuration } from '../../support/duration.ts';
import type { OptionValues } from '../args.ts';
import { readCount, UsageProblem } from '../args.ts';
import type { LoadSpec } from './load.ts';

/** The options of `fairlead bench` beside those of the admin server. */
export const benchOptions = {
  connections: { type: 'string', short: 'c' },
  duration: { type: 'string', short: 'd' },
  rate: { type: 'string', short: 'R' },
  processes: { type: 'string', short: 'p' },
  'warm-up': { type: 'string' },
  timeout: { type: 'string' },
  method: { type: 'string', short: 'm' },
  header: { type: 'string', short: 'H', multiple: true },
  body: { type: 'string', short: 'b' },
  scale: { type: 'boolean' },
  pool: { type: 'string' },
  json: { type: 'boolean' },
  html: { type: 'string' },
} as const;

const MOST = { connections: 10_000, processes: 64, rate: 1_000_000, durationMs: 3_600_000 } as const;

/** Reads what is to be sent, from a URL and the options; throws UsageProblem. */
export function readSpec(url: string | undefined, values: OptionValues): { spec: LoadSpec; processes: number } {
  const { rate } = values;
  const body = values['body'] as string | undefined;
  const spec = {
    url: readUrl(url),
    method: (values['method'] as string | undefined) ?? (body === undefined ? 'GET' : 'POST'),
    headers: readHeaders((values['header'] as readonly string[] | undefined) ?? []),
    body,
    connections: readCount('connections', values['connections'] ?? '50', MOST.connections),
    durationMs: readTime('duration', values['duration'] ?? '10s', 1),
    warmUpMs: readTime('warm-up', values['warm-up'] ?? '1s', 0),
    timeoutMs: readTime('timeout', values['timeout'] ?? '10s', 1),
    rate: rate === undefined ? undefined : readCount('rate', String(rate).replace(/\/s$/, ''), MOST.rate),
  };
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(spec.method)) throw new UsageProblem(`'${spec.method}' is not a method`);
  return { spec, processes: readCount('processes', values['processes'] ?? '1', MOST.processes) };
}

function readUrl(written: string | undefined): string {
  if (written === undefined) throw new UsageProblem('what is to be tested? A URL is missing');
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`);
  // A bare word is more likely a slip than the name of a host.
  if (url === null || (/^[\w-]+$/.test(written) && written !== 'localhost'))
    throw new UsageProblem(`'${written}' is no URL, expected one such as http://127.0.0.1:8080/`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new UsageProblem(
      `'${written}' is neither http nor https; a tcp listener is tested by the http that goes through it`,
    );
  return url.href;
}

/** A bare number is seconds, as other tools of this kind take it. */
function readTime(name: string, written: unknown, leastMs: number): number {
  const text = String(written);
  const ms = parseDuration(/^\d+(?:\.\d+)?$/.test(text) ? `${text}s` : text);
  if (ms === undefined || ms < leastMs || ms > MOST.durationMs)
    throw new UsageProblem(`--${name} '${written}' is no time up to 1h, such as 10s or 500ms`);
  return ms;
}

function readHeaders(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)$/.exec(line) ?? [];
      if (name === undefined) throw new UsageProblem(`-H '${line}' is not a header, expected 'NAME: VALUE'`);
      return [name, value!.trimEnd()];
    }),
  );
}
