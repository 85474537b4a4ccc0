/**
 * Plays each algorithm against modelled backends on virtual time, over the real pool code, and draws the chart of
 * docs/balancing.md. The same numbers on every machine. Run: npm run bench:balancing.
 */
import { writeFileSync } from 'node:fs';
import { algorithmNames, goesByKey, play } from '../src/simulate/play.ts';
import { barChart } from './balancing/chart.ts';
import { scenarios } from './balancing/scenarios.ts';

const CHART = new URL('../docs/images/balancing.svg', import.meta.url);

const groups = Object.entries(scenarios).map(([title, scenario]) => {
  const bars = algorithmNames.map((name) => {
    const { p50Ms, p99Ms } = play(name, goesByKey(name) ? { ...scenario, keys: 1000 } : scenario);
    console.log(`${title.padEnd(34)} ${name.padEnd(18)} p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
    return { name, p99Ms };
  });
  return { title, bars };
});

const subtitle = 'Simulated: backends do 8 requests at a time, 20 ms each on average. Logarithmic scale.';
writeFileSync(CHART, barChart('p99 latency by algorithm', subtitle, groups));
