import { coresOf } from './lib/cores.ts';
import { readFileLimit } from './lib/file-limit.ts';
import { type OptionSpec, type OptionValues, runMain } from './lib/options.ts';
import { inOwnNetwork, readSendBuffer } from './lib/own-network.ts';
import { Progress } from './lib/progress.ts';
import { json, thisMachine, writeResults } from './lib/results.ts';
import { number } from './lib/table.ts';
import { measureSlow, roundMs, type SlowOptions, type SlowSample } from './slow-clients/measure.ts';
import { type SlowResults, slowComplaints, slowReport } from './slow-clients/report.ts';

const OPTIONS = {
  clients: { about: 'slow clients, a third of each kind', default: 2000 },
  every: { about: 'seconds between two of their bytes', default: 6 },
  timeout: { about: 'seconds of the timers for heads and idle connections', default: 20 },
  rounds: { about: 'how often both windows are measured', default: 3 },
  duration: { about: 'seconds of each window', default: 10 },
  'warm-up': { about: 'seconds of the same load before each window', default: 8 },
  connections: { about: 'connections of wrk', default: 64 },
  'send-buffer': {
    about: "KiB that a connection's send buffer grows to, in a network of its own; 0: as it is",
    default: 512,
  },
  'proxy-core': { about: 'the core of the proxy', default: 0 },
  'load-core': { about: 'the core of wrk, backend and slow clients', default: 1 },
  check: { about: 'exit with 1 when the goal is missed, or a slow client was not cut', default: false },
  out: { about: 'folder for the results', default: 'bench/results' },
} satisfies Record<string, OptionSpec>;

function slowOptions(options: OptionValues<typeof OPTIONS>): SlowOptions {
  return {
    clients: options.clients,
    everyS: options.every,
    timeoutS: options.timeout,
    connections: options.connections,
    durationS: options.duration,
    warmUpS: options['warm-up'],
    sendBufferBytes: readSendBuffer(),
    ...coresOf(options),
  };
}

async function main(options: OptionValues<typeof OPTIONS>): Promise<void> {
  const sendBuffer = options['send-buffer'];
  const code = sendBuffer === 0 ? undefined : await inOwnNetwork(sendBuffer * 1024);
  if (code === undefined) return measureHere(options);
  process.exitCode = code;
}

async function measureHere(options: OptionValues<typeof OPTIONS>): Promise<void> {
  const settings = slowOptions(options);
  const [files, needed] = [readFileLimit(), 2 * settings.clients + 500];
  if (needed > files.hard) {
    throw new Error(`${settings.clients} clients need ${needed} open files, the limit is ${files.hard} (ulimit -n)`);
  }
  const stepMs = roundMs(settings);
  const progress = new Progress(options.rounds * stepMs);
  const samples: SlowSample[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const sample = await progress.during(`round ${round}`, measureSlow(settings));
    samples.push({ round, ...sample });
    const { alone, among } = sample;
    progress.step(`round ${round}: p99 ${number(alone.p99Ms, 2)} ms alone, ${number(among.p99Ms, 2)} ms among`, stepMs);
  }
  const results: SlowResults = { machine: thisMachine(), options: settings, samples };
  const report = slowReport(results);
  writeResults(options.out, { 'slow-clients.md': report, 'slow-clients.json': json(results) });
  process.stdout.write(`${report}\nWritten to ${options.out}/slow-clients.md and slow-clients.json\n`);
  if (options.check && slowComplaints(results).length > 0) process.exitCode = 1;
}

if (import.meta.main) {
  await runMain(OPTIONS, ['npm run bench:slow-clients --', 'other connections among 2,000 slow clients'], main);
}
