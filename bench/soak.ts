import { type OptionSpec, type OptionValues, runMain } from './lib/options.ts';
import { ProcessGroup } from './lib/processes.ts';
import { Progress } from './lib/progress.ts';
import { json, thisMachine, writeResults } from './lib/results.ts';
import { number } from './lib/table.ts';
import { soakComplaints, soakReport } from './soak/report.ts';
import { Soak } from './soak/run.ts';

const OPTIONS = {
  minutes: { about: 'how long, without the warm-up', default: 20 },
  'warm-up': { about: 'seconds of the same work before the first reading', default: 60 },
  lanes: { about: 'pieces of each kind of work at a time', default: 6 },
  reload: { about: 'seconds between two reloads', default: 5 },
  kill: { about: 'seconds between two deaths of a backend', default: 10 },
  out: { about: 'folder for the results', default: 'bench/results' },
} satisfies Record<string, OptionSpec>;

type Options = OptionValues<typeof OPTIONS>;

const REST_S = 30;

async function main(options: Options): Promise<void> {
  const durationS = options.minutes * 60;
  const totalMs = (options['warm-up'] + durationS + 2 * REST_S) * 1000;
  const progress = new Progress(totalMs);
  const group = new ProcessGroup();
  try {
    const soak = Soak.run(
      group,
      {
        warmUpS: options['warm-up'],
        durationS,
        lanes: options.lanes,
        reloadEveryS: options.reload,
        killEveryS: options.kill,
      },
      ({ atS, done, files, residentBytes }) => {
        const mib = number(residentBytes / 2 ** 20);
        progress.step(`${number(atS / 60, 1)} min: ${number(done)} pieces of work, ${files} files, ${mib} MiB`, 0);
      },
    );
    const results = await progress.during('soak', soak);
    const machine = thisMachine();
    const report = soakReport(results, machine);
    const counts = Object.fromEntries(results.tally.counts);
    writeResults(options.out, { 'soak.md': report, 'soak.json': json({ machine, ...results, tally: counts }) });
    process.stdout.write(`${report}\nWritten to ${options.out}/soak.md and soak.json\n`);
    if (soakComplaints(results).length > 0) process.exitCode = 1;
  } finally {
    await group.close();
  }
}

if (import.meta.main)
  await runMain(OPTIONS, ['npm run soak --', 'a long run of everything at once, and what is left after it'], main);
