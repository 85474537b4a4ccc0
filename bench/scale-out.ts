import { type OptionSpec, type OptionValues, runMain } from './lib/options.ts';
import { Progress } from './lib/progress.ts';
import { json, thisMachine, writeResults } from './lib/results.ts';
import { peers } from './peers/start.ts';
import { measureScale, type ScaleOptions, type ScalePoint, scaledLayers } from './scale-out/measure.ts';
import { type ScaleResults, scaleChart, scaleReport } from './scale-out/report.ts';
import { complaints, scaleRows } from './scale-out/summary.ts';

const OPTIONS = {
  backends: { about: 'how many backends, one run each', default: ['1', '2', '3', '4', '8'] },
  duration: { about: 'seconds of each run', default: 10 },
  'warm-up': { about: 'seconds of the same load before each run', default: 2 },
  slots: { about: 'requests a backend works on at a time', default: 8 },
  service: { about: 'milliseconds a backend takes for each', default: 20 },
  connections: { about: 'client connections per backend', default: 16 },
  workers: { about: 'workers of the proxy', default: 2 },
  balance: { about: 'algorithm', default: 'least-connections', choices: ['round-robin', 'least-connections'] },
  proxy: { about: 'the proxy to measure', default: 'fairlead', choices: Object.keys(peers) },
  check: { about: 'exit with 1 when a factor is too low, a request failed or the picks disagree', default: false },
  out: { about: 'folder for the results', default: 'bench/results' },
} satisfies Record<string, OptionSpec>;

type Options = OptionValues<typeof OPTIONS>;

function scaleOptions(options: Options): ScaleOptions {
  return {
    capacity: { slots: options.slots, serviceMs: options.service },
    connectionsPerBackend: options.connections,
    durationS: options.duration,
    warmUpS: options['warm-up'],
    workers: options.workers,
    balance: options.balance === 'round-robin' ? 'round-robin' : 'least-connections',
  };
}

function summary(point: ScalePoint): string {
  const perSecond = Math.round((point.load.answered * 1000) / point.load.durationMs);
  return `${perSecond} requests/s, p99 ${point.load.p99Ms.toFixed(1)} ms, ${point.load.errors + point.load.lost} errors`;
}

async function main(options: Options): Promise<void> {
  const peer = peers[options.proxy]!;
  const settings = scaleOptions(options);
  const counts = options.backends.map(Number);
  const stepMs = (settings.durationS + settings.warmUpS) * 1000;
  const progress = new Progress(counts.length * scaledLayers(peer).length * stepMs);
  const points: ScalePoint[] = [];
  for (const count of counts) {
    const watch = async (label: string, work: Promise<ScalePoint>): Promise<ScalePoint> => {
      const point = await progress.during(label, work);
      progress.step(`${label}: ${summary(point)}`, stepMs);
      return point;
    };
    points.push(...(await measureScale(peer, count, settings, watch)));
  }
  const rows = scaleRows(points, settings.capacity, settings.connectionsPerBackend);
  const proxy = peer.name === 'fairlead' ? 'Fairlead' : peer.name;
  const results: ScaleResults = { machine: thisMachine(), proxy, options: settings, rows };
  const report = scaleReport(results);
  const files = {
    'scale-out.md': report,
    'scale-out.svg': scaleChart(results),
    'scale-out.json': json({ ...results, points }),
  };
  writeResults(options.out, files);
  process.stdout.write(`${report}\nWritten to ${options.out}/scale-out.md, scale-out.svg and scale-out.json\n`);
  if (options.check && rows.some((row) => complaints(row).length > 0)) process.exitCode = 1;
}

if (import.meta.main) {
  await runMain(OPTIONS, ['npm run bench:scale-out --', 'throughput over the number of backends'], main);
}
