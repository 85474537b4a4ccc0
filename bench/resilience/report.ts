import { describeMachine, type Machine } from '../lib/results.ts';
import { type Column, markdownTable, number } from '../lib/table.ts';
import { type Fault, faults, type ResilienceOptions, type ResilienceSample, SLOW_TIMES } from './measure.ts';

/** All a report is made of. */
export interface ResilienceResults {
  readonly machine: Machine;
  readonly options: ResilienceOptions;
  /** What each proxy says of itself, by its name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly samples: readonly ResilienceSample[];
}

/** Shares that lie this close together, of all requests, are equal: chance alone makes that much. */
const SAME_SHARE = 0.01;

const words: Readonly<Record<Fault, string>> = {
  killed: 'is killed',
  '503': 'answers 503 to everything',
  silent: 'accepts and never answers',
  half: 'resets amid the body',
  slow: 'becomes slow',
  flapping: 'is down and up every second',
};

const shareOf = (count: number, { requests }: ResilienceSample): number => count / Math.max(1, requests);

/** Where another proxy does better than Fairlead, in words. */
export function resilienceComplaints(samples: readonly ResilienceSample[]): string[] {
  return faults.flatMap((fault) => {
    const all = samples.filter((sample) => sample.fault === fault);
    const own = all.find(({ proxy }) => proxy === 'fairlead');
    if (own === undefined) return [];
    return (['failed', 'slow'] as const).flatMap((what) =>
      all
        .filter((other) => shareOf(own[what], own) > shareOf(other[what], other) + SAME_SHARE)
        .map(
          ({ proxy }) =>
            `a backend that ${words[fault]}: more requests ${what === 'slow' ? 'are slow' : 'fail'} than with ${proxy}`,
        ),
    );
  });
}

const percent = (count: number, sample: ResilienceSample): string => `${number(100 * shareOf(count, sample), 1)} %`;

/** The report as Markdown. */
export function resilienceReport({ machine, options, versions, samples }: ResilienceResults): string {
  const names = [...new Set(samples.map(({ proxy }) => proxy))];
  const of = (fault: Fault, name: string) => samples.find((sample) => sample.fault === fault && sample.proxy === name);
  const cell = (name: string, show: (sample: ResilienceSample) => string) => (fault: Fault) => {
    const sample = of(fault, name);
    return sample === undefined ? '–' : show(sample);
  };
  const columns: Column<Fault>[] = [
    { title: 'one of the backends', align: 'left', cell: (fault) => words[fault] },
    ...names.flatMap((name): Column<Fault>[] => [
      { title: `${name}: failed`, cell: cell(name, (sample) => percent(sample.failed, sample)) },
      { title: 'slow', cell: cell(name, (sample) => percent(sample.slow, sample)) },
      { title: 'p99 ms', cell: cell(name, (sample) => number(sample.p99Ms)) },
    ]),
  ];
  const shown = faults.filter((fault) => samples.some((sample) => sample.fault === fault));
  const found = resilienceComplaints(samples);
  const verdict =
    found.length === 0
      ? ['Fairlead is the best in each row, or as good as the best.']
      : found.map((each) => `- ${each}`);
  return `# Resilience

${describeMachine(machine)}
${Object.entries(versions)
  .map(([name, version]) => `${name}: ${version}.`)
  .join(' ')}
${options.perSecond} requests a second to ${options.backends} backends that take ${options.serviceMs} ms (a slow one ${options.slowMs} ms); the fault comes after ${options.beforeMs / 1000} s and lasts for the other ${options.afterMs / 1000} s. Failed: a 5xx, an answer that breaks off, or none within ${options.patienceMs / 1000} s. Slow: over ${SLOW_TIMES} times the median. See ../README.md for the method and its limits.

${markdownTable(columns, shown)}
${verdict.join('\n')}
`;
}
