import { availableParallelism } from 'node:os';
import { type OptionSpec, type OptionValues, runMain } from './lib/options.ts';
import { Progress } from './lib/progress.ts';
import { json, thisMachine, writeResults } from './lib/results.ts';
import { number } from './lib/table.ts';
import { measureWindow, type Sample, type WindowOptions } from './peers/measure.ts';
import type { Peer } from './peers/peer.ts';
import { type PeerResults, peerReport } from './peers/report.ts';
import { peers, peerVersion } from './peers/start.ts';
import { judge, ratios, summarize } from './peers/summary.ts';
import { type Workload, workloads } from './peers/workloads.ts';

const OPTIONS = {
  rounds: { about: 'how often each window is measured', default: 3 },
  duration: { about: 'seconds of each window', default: 5 },
  'warm-up': { about: 'seconds of the same load before each window', default: 2 },
  connections: { about: 'connections of the request workloads', default: 64 },
  peers: {
    about: 'who takes part; the first is compared with the others',
    default: Object.keys(peers),
    choices: Object.keys(peers),
  },
  only: {
    about: 'which workloads',
    default: workloads.map(({ name }) => name),
    choices: workloads.map(({ name }) => name),
  },
  'proxy-core': { about: 'the core of the proxy', default: 0 },
  'load-core': { about: 'the core of generator and backend', default: 1 },
  forwarded: { about: 'have every peer write X-Forwarded-* and X-Request-Id, as Fairlead always does', default: false },
  check: { about: 'exit with 1 when a goal is missed or a request failed', default: false },
  out: { about: 'folder for the results', default: 'bench/results' },
} satisfies Record<string, OptionSpec>;

type Options = OptionValues<typeof OPTIONS>;

function windowOptions(options: Options): WindowOptions {
  const pinned = availableParallelism() > 1;
  return {
    connections: options.connections,
    durationS: options.duration,
    warmUpS: options['warm-up'],
    proxyCore: pinned ? options['proxy-core'] : undefined,
    loadCore: pinned ? options['load-core'] : undefined,
    forwarded: options.forwarded,
  };
}

interface Turn {
  readonly round: number;
  readonly peer: Peer;
  readonly workload: Workload;
}

/** Workload by workload, the peers take turns. Who begins moves on each round: nobody is always measured first. */
export function turns(chosen: readonly Peer[], work: readonly Workload[], rounds: number): Turn[] {
  return work.flatMap((workload) => {
    const able = chosen.filter(({ layers }) => layers.includes(workload.layer));
    return Array.from({ length: rounds }, (_, round) =>
      able.map((_peer, i) => ({ round: round + 1, peer: able[(i + round) % able.length]!, workload })),
    ).flat();
  });
}

async function measureAll(plan: readonly Turn[], window: WindowOptions): Promise<Sample[]> {
  const samples: Sample[] = [];
  const stepMs = (window.durationS + window.warmUpS + 1) * 1000;
  const progress = new Progress(plan.length * stepMs);
  for (const { round, peer, workload } of plan) {
    const label = `${workload.name} · ${peer.name} · round ${round}`;
    const sample = await progress.during(label, measureWindow(peer, workload, window));
    samples.push({ ...sample, round });
    const [unit, cpu] = workload.kind === 'bulk' ? ['Gbit/s', 'ms/GiB'] : ['req/s', 'µs/request'];
    const used = number(sample.userPerUnit + sample.systemPerUnit, 1);
    progress.step(`${label}: ${number(sample.rate, 1)} ${unit}, ${used} ${cpu}, ${sample.errors} errors`, stepMs);
  }
  return samples;
}

async function main(options: Options): Promise<void> {
  const window = windowOptions(options);
  const asked = options.peers.map((name) => peers[name]!);
  const versions = new Map(asked.map((peer) => [peer, peerVersion(peer)]));
  const present = asked.filter((peer) => versions.get(peer) !== undefined);
  const work = workloads.filter(({ name }) => options.only.includes(name));
  const samples = await measureAll(turns(present, work, options.rounds), window);

  const subject = asked[0]!.name;
  const summaries = summarize(samples);
  const found = ratios(summaries, subject);
  const results: PeerResults = {
    machine: thisMachine(),
    subject,
    versions: Object.fromEntries(present.map((peer) => [peer.name, versions.get(peer)!])),
    missing: asked.filter((peer) => !present.includes(peer)).map(({ name }) => name),
    rounds: options.rounds,
    window,
    summaries,
    ratios: found,
    verdicts: subject === 'fairlead' ? judge(found) : [],
  };
  const report = peerReport(results, work);
  writeResults(options.out, { 'peers.md': report, 'peers.json': json({ ...results, samples }) });
  process.stdout.write(`${report}\nWritten to ${options.out}/peers.md and peers.json\n`);
  const failed = summaries.some(({ errors }) => errors > 0) || results.verdicts.some(({ held }) => held === false);
  if (options.check && failed) process.exitCode = 1;
}

if (import.meta.main) {
  await runMain(OPTIONS, ['npm run bench:peers --', 'the same work through Fairlead and its peers'], main);
}
