import { readFileLimit } from './lib/file-limit.ts';
import { type OptionSpec, type OptionValues, runMain } from './lib/options.ts';
import { Progress } from './lib/progress.ts';
import { json, thisMachine, writeResults } from './lib/results.ts';
import { number } from './lib/table.ts';
import { type MemorySample, measureMemory } from './memory/measure.ts';
import { complaints, filesNeeded, growthKb, type MemoryResults, memoryReport } from './memory/report.ts';
import type { Layer } from './peers/peer.ts';
import { peers, peerVersion } from './peers/start.ts';

const OPTIONS = {
  connections: { about: 'idle connections', default: 4000 },
  clients: { about: 'client processes they are spread over', default: 4 },
  'warm-up': { about: 'requests before the first reading, one by one', default: 200 },
  peers: { about: 'who takes part', default: ['fairlead', 'nginx', 'haproxy'], choices: Object.keys(peers) },
  layers: { about: 'which layers', default: ['l7', 'l4'], choices: ['l7', 'l4'] },
  check: { about: 'exit with 1 when Fairlead takes more than it may, or a connection was closed', default: false },
  out: { about: 'folder for the results', default: 'bench/results' },
} satisfies Record<string, OptionSpec>;

// For the progress bar only: what opening and settling take at most, in most cases.
const TYPICAL_STEP_MS = 15_000;

async function main(options: OptionValues<typeof OPTIONS>): Promise<void> {
  const files = readFileLimit();
  if (filesNeeded(options.connections) > files.hard) {
    const needed = filesNeeded(options.connections);
    throw new Error(
      `${options.connections} connections need ${needed} open files, the limit is ${files.hard} (ulimit -n)`,
    );
  }
  const settings = {
    connections: options.connections,
    clientProcesses: options.clients,
    warmUpRequests: options['warm-up'],
  };
  const present = options.peers.map((name) => peers[name]!).filter((peer) => peerVersion(peer) !== undefined);
  const layers: readonly Layer[] = (['l7', 'l4'] as const).filter((layer) => options.layers.includes(layer));
  const steps = layers.flatMap((layer) => {
    return present.filter((peer) => peer.layers.includes(layer)).map((peer) => ({ layer, peer }));
  });
  const progress = new Progress(steps.length * TYPICAL_STEP_MS);
  const samples: MemorySample[] = [];
  for (const { layer, peer } of steps) {
    const label = `${layer.toUpperCase()} · ${peer.name}`;
    const sample = await progress.during(label, measureMemory(peer, layer, settings));
    samples.push(sample);
    progress.step(
      `${label}: ${number(growthKb(sample.asIs, sample.connections), 2)} KB per connection`,
      TYPICAL_STEP_MS,
    );
  }
  const results: MemoryResults = { machine: thisMachine(), options: settings, files, samples };
  const report = memoryReport(results);
  writeResults(options.out, { 'memory.md': report, 'memory.json': json(results) });
  process.stdout.write(`${report}\nWritten to ${options.out}/memory.md and memory.json\n`);
  if (options.check && samples.some((sample) => complaints(sample).length > 0)) process.exitCode = 1;
}

if (import.meta.main) {
  await runMain(OPTIONS, ['npm run bench:memory --', 'memory per idle connection'], main);
}
