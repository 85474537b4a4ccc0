import { formatProblem, type Problem } from './problem.ts';

/** A config that cannot be run. Its message has every problem on a line of its own; `problems` has them as data. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** Tells this error from others without `instanceof`, which fails across copies of a package. */
  readonly code = 'FAIRLEAD_CONFIG';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(`the config has problems:\n${problems.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`);
    this.problems = problems;
  }
}
