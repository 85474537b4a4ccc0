import { coresOf } from './lib/cores.ts';
import { readFileLimit } from './lib/file-limit.ts';
import { type OptionSpec, type OptionValues, runMain } from './lib/options.ts';
import { json, thisMachine, writeResults } from './lib/results.ts';
import { measureOverload, type OverloadOptions } from './overload/measure.ts';
import { overloadComplaints, overloadReport } from './overload/report.ts';

const OPTIONS = {
  times: { about: 'how many times the capacity comes', default: 3 },
  connections: { about: 'connections of the clients', default: 1500 },
  service: { about: 'how long the backends take, in ms', default: 50 },
  routes: { about: 'conditions that each request is held against', default: 2000 },
  light: { about: 'seconds of light load, before and after', default: 5 },
  duration: { about: 'seconds of overload', default: 10 },
  onset: { about: 'seconds of it that are shown apart, at its start', default: 2 },
  'proxy-core': { about: 'the core of the proxy', default: 0 },
  'load-core': { about: 'the core of the backends', default: 1 },
  check: { about: 'exit with 1 when the goal is missed', default: false },
  out: { about: 'folder for the results', default: 'bench/results' },
} satisfies Record<string, OptionSpec>;

function overloadOptions(options: OptionValues<typeof OPTIONS>): OverloadOptions {
  return {
    times: options.times,
    connections: options.connections,
    serviceMs: options.service,
    routes: options.routes,
    lightMs: options.light * 1000,
    overloadMs: options.duration * 1000,
    onsetMs: options.onset * 1000,
    ...coresOf(options),
  };
}

async function main(options: OptionValues<typeof OPTIONS>): Promise<void> {
  const settings = overloadOptions(options);
  const [files, needed] = [readFileLimit(), 2 * settings.connections + 500];
  if (needed > files.hard) throw new Error(`${needed} open files are needed, the limit is ${files.hard} (ulimit -n)`);
  const sample = await measureOverload(settings, (what) => void process.stderr.write(`${what}\n`));
  const results = { machine: thisMachine(), options: settings, sample };
  const report = overloadReport(results);
  writeResults(options.out, { 'overload.md': report, 'overload.json': json(results) });
  process.stdout.write(`${report}\nWritten to ${options.out}/overload.md and overload.json\n`);
  if (options.check && overloadComplaints(sample).length > 0) process.exitCode = 1;
}

if (import.meta.main) {
  await runMain(
    OPTIONS,
    ['npm run bench:overload --', 'what three times the capacity does to those that are served'],
    main,
  );
}
