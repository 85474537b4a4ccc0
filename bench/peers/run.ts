import { coreOptions, coresOf } from '../lib/cores.ts';
import type { OptionSpec, OptionValues } from '../lib/options.ts';
import { Progress } from '../lib/progress.ts';
import { json, thisMachine, writeResults } from '../lib/results.ts';
import { number } from '../lib/table.ts';
import { fairlead, fairleadRing } from './fairlead.ts';
import { DIRECT, measureDirect, measureWindow, type Sample, type WindowOptions } from './measure.ts';
import type { Contestant, Peer } from './peer.ts';
import { type PeerResults, peerReport } from './report.ts';
import { peerVersion } from './start.ts';
import { type Goal, judge, ratios, summarize } from './summary.ts';
import type { Workload } from './workloads.ts';

/** A comparison of peers: what is measured, who takes part by default, and what is hoped for. */
export interface Comparison {
  /** Names the files of the results. */
  readonly name: string;
  /** The heading of the report. */
  readonly title: string;
  readonly workloads: readonly Workload[];
  /** Who can take part, by name. */
  readonly peers: Readonly<Record<string, Peer>>;
  /** Names of peers, and `direct` for nobody in between; the first is compared with the others. */
  readonly contestants: readonly string[];
  readonly goals: readonly Goal[];
}

/** The options of a comparison's command line. */
export function comparisonOptions({ workloads, peers, contestants }: Comparison) {
  return {
    rounds: { about: 'how often each window is measured', default: 3 },
    duration: { about: 'seconds of each window', default: 5 },
    'warm-up': { about: 'seconds of the same load before each window', default: 8 },
    connections: { about: 'connections of the request workloads', default: 64 },
    peers: {
      about: 'who takes part; the first is compared with the others',
      default: contestants,
      choices: [...Object.keys(peers), DIRECT.name],
    },
    only: {
      about: 'which workloads',
      default: workloads.map(({ name }) => name),
      choices: workloads.map(({ name }) => name),
    },
    ...coreOptions,
    forwarded: {
      about: 'have every peer write X-Forwarded-* and X-Request-Id, as Fairlead always does',
      default: false,
    },
    check: { about: 'exit with 1 when a goal is missed or a request failed', default: false },
    out: { about: 'folder for the results', default: 'bench/results' },
  } satisfies Record<string, OptionSpec>;
}

type Options = OptionValues<ReturnType<typeof comparisonOptions>>;

function windowOptions(options: Options): WindowOptions {
  return {
    connections: options.connections,
    durationS: options.duration,
    warmUpS: options['warm-up'],
    ...coresOf(options),
    forwarded: options.forwarded,
  };
}

interface Turn {
  readonly round: number;
  readonly contestant: Contestant;
  readonly workload: Workload;
}

/** Workload by workload, the peers take turns. Who begins moves on each round: nobody is always measured first. */
export function turns(chosen: readonly Contestant[], work: readonly Workload[], rounds: number): Turn[] {
  return work.flatMap((workload) => {
    const able = chosen.filter(({ layers }) => layers.includes(workload.layer));
    return Array.from({ length: rounds }, (_, round) =>
      able.map((_each, i) => ({ round: round + 1, contestant: able[(i + round) % able.length]!, workload })),
    ).flat();
  });
}

async function measureAll(plan: readonly Turn[], peers: Comparison['peers'], window: WindowOptions): Promise<Sample[]> {
  const samples: Sample[] = [];
  const stepMs = (window.durationS + window.warmUpS + 1) * 1000;
  const progress = new Progress(plan.length * stepMs);
  for (const { round, contestant, workload } of plan) {
    const label = `${workload.name} · ${contestant.name} · round ${round}`;
    const peer = peers[contestant.name];
    const measured = peer === undefined ? measureDirect(workload, window) : measureWindow(peer, workload, window);
    const sample = await progress.during(label, measured);
    samples.push({ ...sample, round });
    const [unit, cpu] = workload.kind === 'bulk' ? ['Gbit/s', 'ms/GiB'] : ['req/s', 'µs/request'];
    const used = number(sample.userPerUnit + sample.systemPerUnit, 1);
    progress.step(`${label}: ${number(sample.rate, 1)} ${unit}, ${used} ${cpu}, ${sample.errors} errors`, stepMs);
  }
  return samples;
}

/** Measures, and writes the report; exit code 1 when that is asked for and a goal is missed or a request failed. */
export async function runComparison(comparison: Comparison, options: Options): Promise<void> {
  const { name, title, workloads, peers, goals } = comparison;
  const window = windowOptions(options);
  const asked = options.peers.map((each): Contestant => peers[each] ?? DIRECT);
  const versions = new Map(asked.map((each) => [each, versionOf(peers[each.name])]));
  const present = asked.filter((each) => versions.get(each) !== undefined);
  const work = workloads.filter((each) => options.only.includes(each.name));
  const samples = await measureAll(turns(present, work, options.rounds), peers, window);

  const summaries = summarize(samples);
  const subjects = present.filter(({ name: one }, i) => i === 0 || one === fairleadRing.name).map((each) => each.name);
  const results: PeerResults = {
    title,
    machine: thisMachine(),
    versions: Object.fromEntries(present.map((each) => [each.name, versions.get(each)!])),
    missing: asked.filter((each) => !present.includes(each)).map((each) => each.name),
    rounds: options.rounds,
    window,
    summaries,
    subjects: subjects.map((subject) => {
      const found = ratios(summaries, subject);
      return { subject, ratios: found, verdicts: isOurs(subject) ? judge(found, goals) : [] };
    }),
  };
  const report = peerReport(results, work);
  writeResults(options.out, { [`${name}.md`]: report, [`${name}.json`]: json({ ...results, samples }) });
  process.stdout.write(`${report}\nWritten to ${options.out}/${name}.md and ${name}.json\n`);
  const failed = summaries.some(({ errors }) => errors > 0) || missesGoals(results);
  if (options.check && failed) process.exitCode = 1;
}

const isOurs = (name: string): boolean => name === fairlead.name || name === fairleadRing.name;

/** The first one is held to the goals; the others are there to be looked at. */
function missesGoals({ subjects }: PeerResults): boolean {
  return subjects[0]?.verdicts.some(({ held }) => held === false) === true;
}

function versionOf(peer: Peer | undefined): string | undefined {
  return peer === undefined ? 'nobody in between' : peerVersion(peer);
}
