import { coreOptions, coresOf } from '../lib/cores.ts';
import type { OptionSpec, OptionValues } from '../lib/options.ts';
import { ProcessGroup } from '../lib/processes.ts';
import { Progress } from '../lib/progress.ts';
import { json, thisMachine, writeResults } from '../lib/results.ts';
import { number } from '../lib/table.ts';
import { fairlead, fairleadHandles } from './fairlead.ts';
import { DIRECT, directStand, type Measured, type Sample, type Stand, standOf, type WindowOptions } from './measure.ts';
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
    rounds: { about: 'how often each of them has its turn', default: 15 },
    duration: { about: 'seconds of a turn', default: 2 },
    'warm-up': { about: 'seconds of the same load before the first turn', default: 8 },
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

/** In each round all have their turn, begun by the next: nobody is always measured first. */
export function turns<T>(able: readonly T[], rounds: number): { readonly round: number; readonly one: T }[] {
  return Array.from({ length: rounds }, (_, round) =>
    able.map((_each, i) => ({ round: round + 1, one: able[(i + round) % able.length]! })),
  ).flat();
}

/** One workload that some can do. */
interface Contest {
  readonly workload: Workload;
  readonly able: readonly Contestant[];
}

/** All workloads, each with those of the contestants that can do it. */
export function contestsOf(contestants: readonly Contestant[], work: readonly Workload[]): Contest[] {
  return work.map((workload) => ({
    workload,
    able: contestants.filter(({ layers }) => layers.includes(workload.layer)),
  }));
}

/** Measures all that there is to measure, one contest after the other, and shows how far it is. */
class Contests {
  readonly #peers: Comparison['peers'];
  readonly #rounds: number;
  readonly #window: WindowOptions;
  readonly #warmUpMs: number;
  readonly #windowMs: number;

  constructor(peers: Comparison['peers'], rounds: number, window: WindowOptions) {
    this.#peers = peers;
    this.#rounds = rounds;
    this.#window = window;
    // A process has to start before it.
    this.#warmUpMs = (window.warmUpS + 1) * 1000;
    this.#windowMs = (window.durationS + 0.3) * 1000;
  }

  async measure(contests: readonly Contest[]): Promise<Sample[]> {
    const stands = contests.reduce((sum, { able }) => sum + able.length, 0);
    const progress = new Progress(stands * (this.#warmUpMs + this.#rounds * this.#windowMs));
    const samples: Sample[] = [];
    for (const contest of contests) samples.push(...(await this.#contest(contest, progress)));
    return samples;
  }

  /**
   * Starts all, warms each up, and lets them take short turns, so that what the machine does meanwhile meets all of them.
   * Backends and peers are fresh: nobody sees the heap, the connections or the compiled code that another workload left.
   */
  async #contest({ workload, able }: Contest, progress: Progress): Promise<Sample[]> {
    const group = new ProcessGroup();
    try {
      const backends = await workload.startBackends(group, this.#window.loadCore);
      const setup = { group, workload, backends, options: this.#window };
      const stands: Stand[] = [];
      for (const { name } of able) {
        const peer = this.#peers[name];
        const label = `${workload.name} · ${name}`;
        const opened = peer === undefined ? directStand(setup) : standOf(peer, setup);
        stands.push(await progress.during(`${label} · warm-up`, opened));
        progress.step(`${label}: warm`, this.#warmUpMs);
      }
      const samples: Sample[] = [];
      for (const { round, one } of turns(stands, this.#rounds)) {
        const label = `${workload.name} · ${one.contestant.name} · round ${round}`;
        const sample = await progress.during(label, one.measure());
        samples.push({ ...sample, round });
        progress.step(`${label}: ${resultLine(workload, sample)}`, this.#windowMs);
      }
      return samples;
    } finally {
      await group.close();
    }
  }
}

function resultLine({ kind }: Workload, sample: Measured): string {
  const [unit, cpu] = kind === 'bulk' ? ['Gbit/s', 'ms/GiB'] : ['req/s', 'µs/request'];
  const used = number(sample.userPerUnit + sample.systemPerUnit, 1);
  return `${number(sample.rate, 1)} ${unit}, ${used} ${cpu}, ${sample.errors} errors`;
}

/** Measures, and writes the report; exit code 1 when that is asked for and a goal is missed or a request failed. */
export async function runComparison(comparison: Comparison, options: Options): Promise<void> {
  const { name, title, workloads, peers, goals } = comparison;
  const window = windowOptions(options);
  const asked = options.peers.map((each): Contestant => peers[each] ?? DIRECT);
  const versions = new Map(asked.map((each) => [each, versionOf(peers[each.name])]));
  const present = asked.filter((each) => versions.get(each) !== undefined);
  const work = workloads.filter((each) => options.only.includes(each.name));
  const samples = await new Contests(peers, options.rounds, window).measure(contestsOf(present, work));

  const summaries = summarize(samples);
  const subjects = present
    .filter(({ name: one }, i) => i === 0 || one === fairleadHandles.name)
    .map((each) => each.name);
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

const isOurs = (name: string): boolean => name === fairlead.name || name === fairleadHandles.name;

/** The first one is held to the goals; the others are there to be looked at. */
function missesGoals({ subjects }: PeerResults): boolean {
  return subjects[0]?.verdicts.some(({ held }) => held === false) === true;
}

function versionOf(peer: Peer | undefined): string | undefined {
  return peer === undefined ? 'nobody in between' : peerVersion(peer);
}
