import { defaultConfigPath, loadConfig } from '../config/load.ts';
import type { PoolConfig } from '../config/schema.ts';
import { algorithmNames, goesByKey, type ModelBackend, play } from '../simulate/play.ts';
import { parsePercent } from '../support/percent.ts';
import { parseRate } from '../support/rate.ts';
import { closest } from '../support/suggest.ts';
import { type OptionValues, readArgs, readCount, UsageProblem } from './args.ts';
import { NO_CONFIG } from './check.ts';
import { EXIT_FAILED, EXIT_OK, refuse } from './command.ts';
import type { Io } from './io.ts';
import { defaultModel, readModels } from './model-backend.ts';
import { problemLines } from './report.ts';
import { type NamedBackend, type Simulation, simulationText } from './simulation-text.ts';

/** One line for the list of commands. */
export const summary = 'play a workload against the balancing code on virtual time';

const MOST_REQUESTS = 1_000_000;
const MOST_KEYS = 1_000_000;
const KEYS = 1000;

/** The help text. */
export const usage = `
NAME
  fairlead simulate - play a workload against the balancing code on virtual time

USAGE
  fairlead simulate [CONFIG] [OPTION]...

DESCRIPTION
  Lets requests arrive at random before the pool and the algorithms that serve, with backends that are models and with
  virtual time, and shows for each algorithm how long requests take, how many fail, and the share of each backend.
  Nothing is sent. The same seed gives the same numbers on every machine.

  It answers what to choose as balance, and what a slower, an additional or a failing backend would do. Probes,
  ejections, retries, queues and the network play no part: a backend that fails goes on being picked.

  Without a CONFIG and without --pool there are three backends alike. With one of the two, the backends of a pool with
  their weights, limits and backups are played, and its own algorithm is marked.

OPTIONS
  -b, --backend MODEL  what a backend is like; may be given several times. A TIME that a request takes on average once
                       it is its turn, then with commas what else there is to say: slots=N requests at a time
                       (default 8), weight=N, fails. 3x20ms are three of them. Default: 20ms
  --pool NAME          the pool of CONFIG, which is fairlead.yaml when it is left out; default: its only one
  --algorithm NAME     only this one; may be given several times
  --load PERCENT       requests, as a share of what the backends can do together; default 70%
  --rate RATE          requests as a rate, such as 500/s, instead of a share
  --requests N         how many; default 20000
  --keys N             how many different keys hash and maglev see; default ${KEYS}
  --seed N             another sequence of chances; default 1
  --json               print all of it as JSON
  -h, --help           print this

EXIT CODES
  0  played
  1  the config is invalid
  2  the command line was not understood

EXAMPLES
  fairlead simulate --load 85% -b 2x20ms -b 200ms
  fairlead simulate config/tcp.yaml --pool postgres --rate 300/s -b 5ms,slots=40
  fairlead simulate -b 20ms,weight=2,slots=16 -b 2x20ms --algorithm p2c --json
`;

const options = {
  backend: { type: 'string', short: 'b', multiple: true },
  pool: { type: 'string' },
  algorithm: { type: 'string', multiple: true },
  load: { type: 'string' },
  rate: { type: 'string' },
  requests: { type: 'string' },
  keys: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** Plays a workload. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const parsed = readArgs(args, { options, positionals: ['CONFIG'] });
  if (!parsed.ok) return refuse(io, 'simulate', parsed.problem);
  const { values, positionals } = parsed;
  try {
    const pool = await readPool(positionals[0], values, io);
    if (typeof pool === 'string') {
      io.stderr.write(pool);
      return EXIT_FAILED;
    }
    const simulation = simulate(pool, values);
    io.stdout.write(values['json'] === true ? `${JSON.stringify(simulation, null, 2)}\n` : simulationText(simulation));
    return EXIT_OK;
  } catch (error) {
    if (error instanceof UsageProblem) return refuse(io, 'simulate', error.message);
    throw error;
  }
}

function simulate(pool: PoolConfig | undefined, values: OptionValues): Simulation {
  const backends = backendsOf(pool, readModels((values['backend'] ?? []) as readonly string[]));
  const perSecond = readPerSecond(backends, values);
  const requests = readCount('requests', values['requests'] ?? '20000', MOST_REQUESTS);
  const keys = readCount('keys', values['keys'] ?? String(KEYS), MOST_KEYS);
  const seed = readCount('seed', values['seed'] ?? '1', 2 ** 31);
  const scenario = { backends, perSecond, requests, seed, loadFactor: pool?.balance.loadFactor };
  const results = readAlgorithms(values).map((algorithm) => {
    const { picks: _, ...played } = play(algorithm, goesByKey(algorithm) ? { ...scenario, keys } : scenario);
    return { algorithm, ...played };
  });
  const configured = pool?.balance.algorithm;
  return { backends, perSecond, capacity: capacityOf(backends), requests, keys, seed, configured, results };
}

/** Undefined when no config is asked for; a text says why it cannot be used. */
async function readPool(
  file: string | undefined,
  values: OptionValues,
  io: Io,
): Promise<PoolConfig | undefined | string> {
  const name = values['pool'] as string | undefined;
  if (file === undefined && name === undefined) return undefined;
  const path = file ?? defaultConfigPath(io.cwd);
  if (path === undefined) throw new UsageProblem(NO_CONFIG);
  const loaded = await loadConfig(path, { env: io.env });
  if (!loaded.ok) return problemLines(loaded.problems);
  const { pools } = loaded.config;
  const names = Object.keys(pools);
  if (name === undefined && names.length !== 1)
    throw new UsageProblem(`which pool? --pool takes one of ${names.join(', ') || 'none, since there is none'}`);
  const pool = Object.hasOwn(pools, name ?? names[0]!) ? pools[name ?? names[0]!] : undefined;
  if (pool !== undefined) return pool;
  const meant = closest(name!, names);
  throw new UsageProblem(`there is no pool '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`);
}

/** The backends of a pool are like the models in turn, and the last model is that of the rest. */
function backendsOf(pool: PoolConfig | undefined, models: readonly ModelBackend[]): NamedBackend[] {
  if (pool === undefined) {
    const all = models.length === 0 ? [defaultModel, defaultModel, defaultModel] : models;
    return all.map((model, index) => ({ id: `b${index + 1}`, ...model }));
  }
  return pool.backends.map(({ id, weight, maxConnections, backup }, index) => {
    const model = models[index] ?? models.at(-1) ?? defaultModel;
    return { id, maxConnections, backup, ...model, weight: model.weight ?? weight };
  });
}

/** Requests a second that backends can do together, those left out that fail or stand by. */
function capacityOf(backends: readonly ModelBackend[]): number {
  return backends
    .filter(({ failsFast, backup }) => failsFast !== true && backup !== true)
    .reduce((sum, { serviceMs, slots }) => sum + (1000 / serviceMs) * slots, 0);
}

function readPerSecond(backends: readonly ModelBackend[], values: OptionValues): number {
  const { load, rate } = values as Record<'load' | 'rate', string | undefined>;
  if (load !== undefined && rate !== undefined)
    throw new UsageProblem('--load and --rate say the same thing: give one');
  if (rate !== undefined) {
    const read = parseRate(rate);
    if (read === undefined) throw new UsageProblem(`--rate '${rate}' is no rate, expected one such as 500/s`);
    return 1000 / read.intervalMs;
  }
  const share = parsePercent(load ?? '70%');
  if (share === undefined || share === 0)
    throw new UsageProblem(
      `--load '${load}' is no share, expected one such as 85%; more than 100% can be had by --rate`,
    );
  const capacity = capacityOf(backends);
  if (capacity === 0)
    throw new UsageProblem('no backend works, so that a share of what they can do is nothing: give --rate');
  return capacity * share;
}

function readAlgorithms(values: OptionValues): typeof algorithmNames {
  const named = (values['algorithm'] ?? []) as readonly string[];
  for (const name of named) {
    if (algorithmNames.some((known) => known === name)) continue;
    throw new UsageProblem(`there is no algorithm '${name}', only ${algorithmNames.join(', ')}`);
  }
  return named.length === 0 ? algorithmNames : algorithmNames.filter((name) => named.includes(name));
}
