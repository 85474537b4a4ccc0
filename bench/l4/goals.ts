import type { Goal } from '../peers/summary.ts';

/** What Fairlead is held to in L4, as ratios of medians in one run on one core. */
export const L4_GOALS: readonly Goal[] = [
  { workload: 'l4-keepalive', measure: 'cpuPerUnit', against: 'better', bound: 1.1, sense: 'at most' },
  { workload: 'l4-new-connections', measure: 'cpuPerUnit', against: 'better', bound: 1.2, sense: 'at most' },
  { workload: 'l4-bulk', measure: 'rate', against: 'better', bound: 0.95, sense: 'at least' },
  { workload: 'l4-udp', measure: 'rate', against: 'nginx', bound: 0.8, sense: 'at least' },
];
