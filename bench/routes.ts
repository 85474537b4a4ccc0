import { type OptionSpec, type OptionValues, runMain } from './lib/options.ts';
import { json, thisMachine, writeResults } from './lib/results.ts';
import { measureShape, shapes } from './routes/measure.ts';
import { complaints, type RouteResults, routesReport } from './routes/report.ts';

const OPTIONS = {
  few: { about: 'routes to compare with', default: 10 },
  many: { about: 'routes that are compared', default: 10_000 },
  rounds: { about: 'rounds', default: 51 },
  requests: { about: 'requests per round', default: 20_000 },
  check: { about: 'exit with 1 when many routes cost more than they may', default: false },
  out: { about: 'folder for the results', default: 'bench/results' },
} satisfies Record<string, OptionSpec>;

async function main({ few, many, rounds, requests, check, out }: OptionValues<typeof OPTIONS>): Promise<void> {
  const run = { few, many, rounds, requests };
  const costs = shapes.map((shape) => measureShape(shape, run));
  const results: RouteResults = { machine: thisMachine(), run, costs };
  const report = routesReport(results);
  writeResults(out, { 'routes.md': report, 'routes.json': json(results) });
  process.stdout.write(`${report}\nWritten to ${out}/routes.md and routes.json\n`);
  if (check && complaints(results).length > 0) process.exitCode = 1;
}

if (import.meta.main) {
  await runMain(
    OPTIONS,
    ['npm run bench:routes --', 'what a request costs with ten routes and with ten thousand'],
    main,
  );
}
