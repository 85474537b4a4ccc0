import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ExplainRequest } from '../admin/explain-schema.ts';
import { defaultConfigPath, loadConfig } from '../config/load.ts';
import { explainRequest } from '../runtime/explain/explain.ts';
import { type OptionValues, readArgs } from './args.ts';
import { NO_CONFIG } from './check.ts';
import { paintFor } from './colour.ts';
import { EXIT_FAILED, EXIT_OK, refuse } from './command.ts';
import { explanationText } from './explain-text.ts';
import type { Io } from './io.ts';
import { problemLines } from './report.ts';

/** One line for the list of commands. */
export const summary = 'say where a request would go, and why, without sending it';

/** The help text. */
export const usage = `
NAME
  fairlead explain - say where a request would go, and why, without sending it

USAGE
  fairlead explain [CONFIG] [METHOD] URL [OPTION]...

DESCRIPTION
  Plays a request on a config file by the same code that serves, and says which listener, route and pool would take
  it, why each earlier route does not, what of it would be rewritten, set and removed, and the head that a backend
  would get. Nothing is sent, and no instance has to run: health, load and limits that are used up play no part.

  URL is http, https, ws or wss for http listeners, and tcp, tls or udp with a port for the others, where
  tls://db.example.com:5432 asks for that name (SNI). It is taken as it is written, dots and escapes included; a path
  alone will do. A URL with a port leads to the listener that is bound to it. One without leads to what is bound to
  port 80 or 443, or else, for something may stand in front, to the first listener of its protocol that takes it.

  METHOD is GET, or POST when there is a body. CONFIG is fairlead.yaml when it is left out, or else
  config/fairlead.yaml.

OPTIONS
  -H, --header 'NAME: VALUE'  a header; may be given several times
  -d, --data BODY             the body; @FILE reads it from a file
  --source IP                 the address that the client connects from; default 127.0.0.1
  --sni NAME                  the host name that a TLS client asks for; default that of the URL
  --alpn PROTOCOL             a protocol that a TLS client offers; may be given several times
  --listener NAME             this listener, whatever the URL says
  --json                      print all of it as JSON, in the form that POST /api/explain answers
  -h, --help                  print this

EXIT CODES
  0  a route takes the request
  1  none does, or the request is refused; or the config is invalid
  2  the command line was not understood

EXAMPLES
  fairlead explain config/canary.yaml http://api.example.com/v1/items -H 'x-tier: gold'
  fairlead explain POST /orders -d '{"tenant":{"id":"acme"}}' --source 10.1.2.3
  fairlead explain config/sni.yaml tls://db.example.com:8443 --source 10.1.2.3
  fairlead explain config/canary.yaml https://shop.example.com/ --json | jq .route
`;

const options = {
  header: { type: 'string', short: 'H', multiple: true },
  data: { type: 'string', short: 'd' },
  source: { type: 'string' },
  sni: { type: 'string' },
  alpn: { type: 'string', multiple: true },
  listener: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const method = /^[A-Z][A-Z-]*$/;

/** Explains a request. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const parsed = readArgs(args, { options, positionals: ['CONFIG', 'METHOD', 'URL'] });
  if (!parsed.ok) return refuse(io, 'explain', parsed.problem);
  const named = readPositionals(parsed.positionals);
  if (typeof named === 'string') return refuse(io, 'explain', named);
  const request = await readRequest(named, parsed.values, io).catch((error: Error) => error.message);
  if (typeof request === 'string') return refuse(io, 'explain', request);
  const path = named.config ?? defaultConfigPath(io.cwd);
  if (path === undefined) return refuse(io, 'explain', NO_CONFIG);
  const loaded = await loadConfig(path, { env: io.env });
  if (!loaded.ok) {
    io.stderr.write(problemLines(loaded.problems));
    return EXIT_FAILED;
  }
  const explained = explainRequest(loaded.config, request);
  if (!explained.ok) return refuse(io, 'explain', explained.problem);
  const { explanation } = explained;
  const paint = paintFor(io.stdout, io.env);
  const asJson = parsed.values['json'] === true;
  io.stdout.write(asJson ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation, paint));
  return explanation.outcome === 'matched' ? EXIT_OK : EXIT_FAILED;
}

interface Named {
  readonly config: string | undefined;
  readonly method: string | undefined;
  readonly url: string;
}

/** Of three the middle one is the method; of two the first is, when it looks like one and not like a file. */
function readPositionals(given: readonly string[]): Named | string {
  const url = given.at(-1);
  if (url === undefined) return 'what is to be explained? A URL is missing';
  if (given.length === 3) return { config: given[0], method: given[1], url };
  const first = given.length === 2 ? given[0]! : undefined;
  const isMethod = first !== undefined && method.test(first);
  return isMethod ? { config: undefined, method: first, url } : { config: first, method: undefined, url };
}

async function readRequest({ method, url }: Named, values: OptionValues, io: Io): Promise<ExplainRequest> {
  const {
    header = [],
    data,
    source,
    sni,
    alpn,
    listener,
  } = values as {
    header?: string[];
    data?: string;
    alpn?: string[];
  } & Record<'source' | 'sni' | 'listener', string | undefined>;
  const headers: Record<string, string[]> = {};
  for (const line of header) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`-H '${line}' is not a header, expected 'NAME: VALUE'`);
    const name = line.slice(0, colon);
    headers[name] = [...(headers[name] ?? []), line.slice(colon + 1).trim()];
  }
  const body = data?.startsWith('@') ? await readFile(resolve(io.cwd, data.slice(1)), 'utf8') : data;
  return { url, method, headers, body, source, sni, alpn, listener };
}
