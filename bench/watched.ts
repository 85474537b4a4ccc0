import { runMain } from './lib/options.ts';
import { fairlead } from './peers/fairlead.ts';
import type { Peer } from './peers/peer.ts';
import { type Comparison, comparisonOptions, runComparison } from './peers/run.ts';
import { peers } from './peers/start.ts';
import { workloads } from './peers/workloads.ts';

const watched: Peer = { ...fairlead, name: 'watched', watched: 'itself' };

/** Browser and scraper take as much of the generator's core, and want nothing of the Fairlead that is measured. */
const beside: Peer = { ...fairlead, name: 'beside', watched: 'another' };
const WORK = ['l7-keepalive', 'l4-keepalive'];

/** A request may cost a twentieth more while somebody looks, as rounds of one process differ by more. */
const MOST = 1.05;

const comparison: Comparison = {
  name: 'watched',
  title: 'Watched: with the dashboard open in Chromium and `/metrics` scraped every second',
  workloads: workloads.filter(({ name }) => WORK.includes(name)),
  peers: { ...peers, watched, beside },
  contestants: ['watched', 'beside', 'fairlead'],
  goals: WORK.map((workload) => ({
    workload,
    measure: 'cpuPerUnit',
    against: 'beside',
    bound: MOST,
    sense: 'at most',
  })),
};

await runMain(
  comparisonOptions(comparison),
  ['npm run bench:watched --', 'what a request costs while somebody looks'],
  (options) => runComparison(comparison, options),
);
