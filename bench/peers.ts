import { runMain } from './lib/options.ts';
import { type Comparison, comparisonOptions, runComparison } from './peers/run.ts';
import { peers } from './peers/start.ts';
import { GOALS } from './peers/summary.ts';
import { workloads } from './peers/workloads.ts';

const comparison: Comparison = {
  name: 'peers',
  title: 'Peers',
  workloads,
  peers,
  contestants: Object.keys(peers),
  goals: GOALS,
};

await runMain(
  comparisonOptions(comparison),
  ['npm run bench:peers --', 'the same work through Fairlead and its peers'],
  (options) => runComparison(comparison, options),
);
