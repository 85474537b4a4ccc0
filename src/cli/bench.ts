import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { adminHelp, adminOptions, findAdmin } from './admin-address.ts';
import { AdminClient, AdminProblem } from './admin-client.ts';
import { type OptionValues, readArgs, UsageProblem } from './args.ts';
import { measure } from './bench/measure.ts';
import { benchOptions, readSpec } from './bench/options.ts';
import { reach } from './bench/reach.ts';
import { reportHtml } from './bench/report-html.ts';
import { reportText } from './bench/report-text.ts';
import { measureScale } from './bench/scale.ts';
import { scaleHtml, scaleText } from './bench/scale-report.ts';
import { type Paint, paintFor } from './colour.ts';
import { CommandProblem, EXIT_FAILED, EXIT_OK, refuse } from './command.ts';
import { abortOnSignal } from './interrupt.ts';
import type { Io } from './io.ts';
import { plain } from './plain.ts';

/** One line for the list of commands. */
export const summary = 'load-test a URL, and say how the load spread and what the limit was';

/** The help text. */
export const usage = `
NAME
  fairlead bench - load-test a URL

USAGE
  fairlead bench URL [OPTION]...

DESCRIPTION
  Sends requests over keep-alive connections, and prints requests a second, latency percentiles with a histogram, how
  the load spread over the backends, and which part was the limit: the generator, Fairlead, a backend or the machine.

  Without --rate it is a closed loop, by autocannon: each connection sends its next request when it has its answer. That
  finds the highest throughput, but when the server is slow it asks less, and its percentiles look better than what
  many independent clients would see. With --rate it is an open loop: requests are due at even distances whatever
  becomes of those before, and a latency runs from when its request was due, so that waiting for a free connection
  counts (no coordinated omission).

  How the load spread comes from the picks that Fairlead counts, before and after the run, of all traffic that it has
  meanwhile. The fairness error is the largest difference of a backend's share from what its weight says. CPU shares
  are those of the generator's busiest process, of the cores that Fairlead's workers can use, and of backends on this
  machine (Linux). When no instance can be asked, the rest is printed without them.

  With --scale the backends of a pool that are enabled and well are measured one, then two, and so on, the others being
  disabled meanwhile, and the pool is left as it was. Efficiency is the throughput of n backends as a part of n times
  that of the first. The knee is the number after which another backend brings less than half of what the first did.

OPTIONS
  -c, --connections N  keep-alive connections; default 50
  -d, --duration TIME  how long it is measured: 30s, 500ms, or seconds; default 10s
  -R, --rate N         an open loop of so many requests a second
  -p, --processes N    processes that send; default 1
  --warm-up TIME       load before the measured run, that does not count; default 1s
  --timeout TIME       a request without an answer in this time has failed; default 10s
  -m, --method METHOD  default GET; POST with a body
  -H, --header 'NAME: VALUE'  a header; may be given several times
  -b, --body TEXT      a body
  --scale              enable the backends of a pool one after another, and measure with each number of them
  --pool NAME          which pool, with --scale; not needed where there is only one
  --json               print the report as JSON
  --html FILE          write the report as a page with charts, which loads nothing from elsewhere
${adminHelp}
  -h, --help           print this

EXIT CODES
  0    measured, whatever the numbers are
  1    the URL cannot be reached, not one request was answered, or the admin server that --admin names cannot be asked
  2    the command line was not understood
  130  interrupted (143 by SIGTERM)

EXAMPLES
  fairlead bench http://127.0.0.1:8080/
  fairlead bench http://127.0.0.1:8080/ -c 200 -p 2 -d 30s --html report.html
  fairlead bench http://127.0.0.1:8080/ --scale --pool web -c 200 -d 5s
  fairlead bench http://127.0.0.1:8080/search --rate 2000 --json | jq .latencyMs
`;

/** Tests a URL. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const parsed = readArgs(args, { options: { ...adminOptions, ...benchOptions }, positionals: ['URL'] });
  if (!parsed.ok) return refuse(io, 'bench', parsed.problem);
  const interrupt = abortOnSignal(io.signals);
  let client: AdminClient | undefined;
  try {
    const { spec, processes } = readSpec(parsed.positionals[0], parsed.values);
    await reach(spec.url, interrupt.signal);
    client = await clientFor(parsed.values, io);
    const run = { spec, processes, client, io, signal: interrupt.signal, label: '' };
    if (parsed.values['scale'] === true) {
      const scale = await measureScale({ ...run, client: needed(client) }, parsed.values['pool'] as string | undefined);
      await print(scale, { values: parsed.values, io, text: scaleText, html: scaleHtml });
      return EXIT_OK;
    }
    const report = await measure(run);
    await print(report, { values: parsed.values, io, text: reportText, html: reportHtml });
    return report.answered === 0 ? EXIT_FAILED : EXIT_OK;
  } catch (error) {
    if (interrupt.code !== undefined) return interrupt.code;
    if (error instanceof UsageProblem) return refuse(io, 'bench', error.message);
    if (!(error instanceof CommandProblem)) throw error;
    io.stderr.write(`fairlead bench: ${plain(error.message)}\n`);
    return EXIT_FAILED;
  } finally {
    interrupt.end();
    client?.close();
  }
}

/** Somebody who can be asked about the backends; that there is nobody is a failure only when --admin said that there is. */
async function clientFor(values: OptionValues, io: Io): Promise<AdminClient | undefined> {
  let client: AdminClient | undefined;
  try {
    client = new AdminClient(await findAdmin(values, io));
    await client.metrics();
    return client;
  } catch (error) {
    client?.close();
    if (values['admin'] !== undefined || !(error instanceof CommandProblem)) throw error;
    io.stderr.write(`nothing can be said of backends: ${plain(error.message)}\n`);
    return undefined;
  }
}

function needed(client: AdminClient | undefined): AdminClient {
  if (client === undefined) throw new AdminProblem('--scale needs a running instance, to enable backends by');
  return client;
}

/** How a report is written. */
interface Writing<T> {
  readonly values: OptionValues;
  readonly io: Io;
  text(report: T, paint: Paint): string;
  html(report: T): string;
}

async function print<T>(report: T, { values, io, text, html }: Writing<T>): Promise<void> {
  const asJson = values['json'] === true;
  io.stdout.write(asJson ? `${JSON.stringify(report, null, 2)}\n` : text(report, paintFor(io.stdout, io.env)));
  const path = values['html'];
  if (path === undefined) return;
  await writeFile(resolve(io.cwd, String(path)), html(report));
  io.stderr.write(`written: ${path}\n`);
}
