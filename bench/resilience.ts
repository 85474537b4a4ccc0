import { type OptionSpec, type OptionValues, runMain } from './lib/options.ts';
import { json, thisMachine, writeResults } from './lib/results.ts';
import { type Fault, faults, measureFault, proxyVersion, type ResilienceOptions } from './resilience/measure.ts';
import { proxies } from './resilience/proxies.ts';
import { type ResilienceResults, resilienceComplaints, resilienceReport } from './resilience/report.ts';

const OPTIONS = {
  faults: { about: 'what befalls a backend', default: [...faults], choices: faults },
  proxies: {
    about: 'who is compared',
    default: proxies.map(({ name }) => name),
    choices: proxies.map(({ name }) => name),
  },
  backends: { about: 'backends, of which one is befallen', default: 3 },
  service: { about: 'how long a backend takes, in ms', default: 20 },
  slow: { about: 'how long a slow one takes, in ms', default: 400 },
  rate: { about: 'requests a second', default: 150 },
  before: { about: 'seconds before the fault, of which half are counted', default: 2 },
  after: { about: 'seconds with the fault', default: 6 },
  patience: { about: 'seconds that clients wait for an answer', default: 5 },
  check: { about: 'exit with 1 when another proxy does better than Fairlead', default: false },
  out: { about: 'folder for the results', default: 'bench/results' },
} satisfies Record<string, OptionSpec>;

async function main(options: OptionValues<typeof OPTIONS>): Promise<void> {
  const settings: ResilienceOptions = {
    backends: options.backends,
    serviceMs: options.service,
    slowMs: options.slow,
    perSecond: options.rate,
    beforeMs: options.before * 1000,
    afterMs: options.after * 1000,
    patienceMs: options.patience * 1000,
  };
  const wanted = proxies.filter(({ name }) => options.proxies.includes(name));
  const there = wanted.filter((proxy) => proxyVersion(proxy) !== undefined);
  const versions = Object.fromEntries(wanted.map((proxy) => [proxy.name, proxyVersion(proxy) ?? 'not installed']));
  const samples: ResilienceResults['samples'][number][] = [];
  for (const fault of options.faults) {
    for (const proxy of there) {
      process.stderr.write(`${fault}: ${proxy.name}\n`);
      samples.push(await measureFault(proxy, fault as Fault, settings));
    }
  }
  const results: ResilienceResults = { machine: thisMachine(), options: settings, versions, samples };
  const report = resilienceReport(results);
  writeResults(options.out, { 'resilience.md': report, 'resilience.json': json(results) });
  process.stdout.write(`${report}\nWritten to ${options.out}/resilience.md and resilience.json\n`);
  if (options.check && resilienceComplaints(samples).length > 0) process.exitCode = 1;
}

if (import.meta.main) {
  await runMain(
    OPTIONS,
    ['npm run bench:resilience --', 'what clients see of a backend that fails, beside HAProxy and nginx'],
    main,
  );
}
