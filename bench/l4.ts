import { bare } from './l4/bare.ts';
import { udpWorkload } from './l4/datagrams.ts';
import { L4_GOALS } from './l4/goals.ts';
import { serverWorkloads } from './l4/servers.ts';
import { runMain } from './lib/options.ts';
import { type Comparison, comparisonOptions, runComparison } from './peers/run.ts';
import { peers } from './peers/start.ts';
import { workloads } from './peers/workloads.ts';

const comparison: Comparison = {
  name: 'l4',
  title: 'L4',
  workloads: [...workloads.filter(({ layer }) => layer === 'l4'), udpWorkload, ...serverWorkloads],
  peers: { ...peers, bare },
  contestants: ['fairlead', 'fairlead-handles', 'nginx', 'haproxy', 'bare', 'direct'],
  goals: L4_GOALS,
};

await runMain(
  comparisonOptions(comparison),
  ['npm run bench:l4 --', 'connections, datagrams and real servers through Fairlead, its peers, and directly'],
  (options) => runComparison(comparison, options),
);
