import { type CrowdOptions, type CrowdSample, measureCrowd } from './crowd/measure.ts';
import { type CrowdLayer, crowdComplaints, crowdReport } from './crowd/report.ts';
import { coreOptions, coresOf } from './lib/cores.ts';
import { readFileLimit } from './lib/file-limit.ts';
import { type OptionSpec, type OptionValues, runMain } from './lib/options.ts';
import { Progress } from './lib/progress.ts';
import { json, thisMachine, writeResults } from './lib/results.ts';
import { number } from './lib/table.ts';
import { measureMemory } from './memory/measure.ts';
import { filesNeeded, growthKb } from './memory/report.ts';
import type { Layer } from './peers/peer.ts';
import { peers } from './peers/start.ts';

const OPTIONS = {
  l4: { about: 'connections of the crowd in L4', default: 8000 },
  l7: { about: 'connections of the crowd in L7', default: 10_000 },
  layers: { about: 'which layers', default: ['l7', 'l4'], choices: ['l7', 'l4'] },
  peer: { about: 'who holds them', default: 'fairlead', choices: Object.keys(peers) },
  rounds: { about: 'how often', default: 3 },
  clients: { about: 'client processes the crowd is spread over', default: 4 },
  connections: { about: 'connections of the load beside the crowd', default: 32 },
  duration: { about: 'seconds of each window', default: 5 },
  'warm-up': { about: 'seconds of load before the first window', default: 2 },
  ...coreOptions,
  check: { about: 'exit with 1 when a goal is missed', default: false },
  out: { about: 'folder for the results', default: 'bench/results' },
} satisfies Record<string, OptionSpec>;

type Options = OptionValues<typeof OPTIONS>;

// For the progress bar only: what opening, settling and using take at most, in most cases.
const TYPICAL_MEMORY_MS = 60_000;
const TYPICAL_CROWD_MS = 15_000;

/** As many as asked for, or as the limit of open files allows. */
export function fitting(asked: number, hardLimit: number): number {
  const most = Math.floor((hardLimit - filesNeeded(0)) / 2);
  return Math.min(asked, most);
}

function crowdOptions(options: Options, layer: Layer): CrowdOptions {
  return {
    // A client takes a file of the proxy, and in L4 another one to the backend.
    connections:
      layer === 'l4' ? fitting(options.l4, readFileLimit().hard) : fitting(options.l7, 2 * readFileLimit().hard),
    clientProcesses: options.clients,
    load: options.connections,
    durationS: options.duration,
    warmUpS: options['warm-up'],
    ...coresOf(options),
  };
}

async function main(options: Options): Promise<void> {
  const peer = peers[options.peer]!;
  const wanted = (['l7', 'l4'] as const).filter((layer) => options.layers.includes(layer));
  const stepMs = (2 * options.duration + options['warm-up']) * 1000 + TYPICAL_CROWD_MS;
  const progress = new Progress(wanted.length * (TYPICAL_MEMORY_MS + options.rounds * stepMs));
  const layers: CrowdLayer[] = [];
  for (const layer of wanted) {
    const settings = crowdOptions(options, layer);
    const { connections, clientProcesses } = settings;
    const name = layer.toUpperCase();
    const measured = measureMemory(peer, layer, { connections, clientProcesses, warmUpRequests: 200 });
    const memory = await progress.during(`${name} · memory`, measured);
    progress.step(`${name}: ${number(growthKb(memory.asIs, connections), 2)} KB per connection`, TYPICAL_MEMORY_MS);
    const rounds: CrowdSample[] = [];
    for (let round = 1; round <= options.rounds; round++) {
      const sample = await progress.during(`${name} · round ${round}`, measureCrowd(peer, layer, settings));
      rounds.push(sample);
      const { alone, among, answered } = sample;
      progress.step(
        `${name} · round ${round}: p99 ${number(alone.p99Ms, 2)} ms alone, ${number(among.p99Ms, 2)} ms among ${number(answered)}`,
        stepMs,
      );
    }
    layers.push({ layer, asked: layer === 'l4' ? options.l4 : options.l7, options: settings, memory, rounds });
  }
  const results = { machine: thisMachine(), peer: peer.name, files: readFileLimit(), layers };
  const report = crowdReport(results);
  writeResults(options.out, { 'crowd.md': report, 'crowd.json': json(results) });
  process.stdout.write(`${report}\nWritten to ${options.out}/crowd.md and crowd.json\n`);
  if (options.check && layers.some((layer) => crowdComplaints(layer).length > 0)) process.exitCode = 1;
}

if (import.meta.main) {
  await runMain(OPTIONS, ['npm run bench:crowd --', 'ten thousand connections held, used, and worked beside'], main);
}
