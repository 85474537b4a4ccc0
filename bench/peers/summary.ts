import { median, ratio, spread } from '../lib/statistics.ts';
import type { Sample } from './measure.ts';

/** The medians over the rounds of one peer in one workload. */
export interface Summary {
  readonly peer: string;
  readonly workload: string;
  readonly rounds: number;
  readonly rate: number;
  readonly p99Ms: number;
  readonly userPerUnit: number;
  readonly systemPerUnit: number;
  /** Median of the sums, which is not the sum of the medians. */
  readonly cpuPerUnit: number;
  /** How far the rounds' CPU per unit lie apart, as a fraction of their median. */
  readonly cpuSpread: number;
  readonly busy: number;
  readonly residentBytes: number;
  /** Summed, since one error matters. */
  readonly errors: number;
}

/** Puts the rounds together; the result is in the order in which peer and workload first appear. */
export function summarize(samples: readonly Sample[]): Summary[] {
  const groups = Map.groupBy(samples, ({ peer, workload }) => `${workload} ${peer}`);
  return [...groups.values()].map((rounds) => {
    const middle = (value: (sample: Sample) => number) => median(rounds.map(value));
    const cpu = rounds.map(({ userPerUnit, systemPerUnit }) => userPerUnit + systemPerUnit);
    return {
      peer: rounds[0]!.peer,
      workload: rounds[0]!.workload,
      rounds: rounds.length,
      rate: middle(({ rate }) => rate),
      p99Ms: middle(({ p99Ms }) => p99Ms),
      userPerUnit: middle(({ userPerUnit }) => userPerUnit),
      systemPerUnit: middle(({ systemPerUnit }) => systemPerUnit),
      cpuPerUnit: median(cpu),
      cpuSpread: spread(cpu),
      busy: middle(({ busy }) => busy),
      residentBytes: middle(({ residentBytes }) => residentBytes),
      errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
}

/** The measures that are compared. Less CPU and a lower p99 are better, a higher rate is. */
export type Measure = 'cpuPerUnit' | 'rate' | 'p99Ms';

/** The peers the comparison calls "the better of both". */
export const RIVALS: readonly string[] = ['nginx', 'haproxy'];

/** The subject's value divided by another's, for one workload. */
export interface Ratio {
  readonly workload: string;
  readonly measure: Measure;
  /** A peer's name, or `better` for the better of nginx and HAProxy. */
  readonly against: string;
  readonly value: number;
}

/** Ratios of medians of the subject against every other peer and against the better of nginx and HAProxy. */
export function ratios(summaries: readonly Summary[], subject: string): Ratio[] {
  const measures: readonly Measure[] = ['cpuPerUnit', 'rate', 'p99Ms'];
  return summaries
    .filter(({ peer }) => peer === subject)
    .flatMap((own) => {
      const others = summaries.filter(({ workload, peer }) => workload === own.workload && peer !== subject);
      return measures.flatMap((measure) => [
        { workload: own.workload, measure, against: 'better', value: ratio(own[measure], best(others, measure)) },
        ...others.map((other) => ({
          workload: own.workload,
          measure,
          against: other.peer,
          value: ratio(own[measure], other[measure]),
        })),
      ]);
    });
}

function best(others: readonly Summary[], measure: Measure): number | undefined {
  const values = others.filter(({ peer }) => RIVALS.includes(peer)).map((other) => other[measure]);
  if (values.length === 0) return undefined;
  return measure === 'rate' ? Math.max(...values) : Math.min(...values);
}

/** A bound the project has set itself. */
export interface Goal {
  readonly workload: string;
  readonly measure: Measure;
  readonly against: string;
  readonly bound: number;
  /** Whether the ratio must stay at or below the bound, or reach it. */
  readonly sense: 'at most' | 'at least';
}

/** What Fairlead is held to, as ratios of medians in one run on one core. */
export const GOALS: readonly Goal[] = [
  { workload: 'l7-keepalive', measure: 'cpuPerUnit', against: 'better', bound: 1.15, sense: 'at most' },
  { workload: 'l7-keepalive', measure: 'cpuPerUnit', against: 'caddy', bound: 0.5, sense: 'at most' },
  { workload: 'l7-keepalive', measure: 'cpuPerUnit', against: 'gateway', bound: 0.4, sense: 'at most' },
  { workload: 'l7-tls-keepalive', measure: 'cpuPerUnit', against: 'haproxy', bound: 1.15, sense: 'at most' },
  { workload: 'l7-http2', measure: 'cpuPerUnit', against: 'nginx', bound: 1.5, sense: 'at most' },
  { workload: 'l4-keepalive', measure: 'cpuPerUnit', against: 'better', bound: 1.2, sense: 'at most' },
  { workload: 'l4-new-connections', measure: 'cpuPerUnit', against: 'better', bound: 1.35, sense: 'at most' },
  { workload: 'l4-bulk', measure: 'rate', against: 'better', bound: 0.85, sense: 'at least' },
];

/** A goal with what was reached; `held` is undefined when the run did not measure it. */
export interface Verdict extends Goal {
  readonly reached: number;
  readonly held: boolean | undefined;
}

/** Holds the ratios against the goals. */
export function judge(found: readonly Ratio[], goals: readonly Goal[] = GOALS): Verdict[] {
  return goals.map((goal) => {
    const match = found.find(
      ({ workload, measure, against }) =>
        workload === goal.workload && measure === goal.measure && against === goal.against,
    );
    const reached = match?.value ?? Number.NaN;
    if (Number.isNaN(reached)) return { ...goal, reached, held: undefined };
    return { ...goal, reached, held: goal.sense === 'at most' ? reached <= goal.bound : reached >= goal.bound };
  });
}
