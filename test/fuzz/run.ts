import { type OptionSpec, type OptionValues, runMain } from '../../bench/lib/options.ts';
import { Progress } from '../../bench/lib/progress.ts';
import { type FuzzCase, fuzzCase } from './case.ts';
import { type Lane, type Lanes, startLanes } from './lane.ts';
import { collectGarbage, growthOf, type MemoryReading, readMemory } from './memory.ts';
import { parserFault } from './parser-case.ts';
import { leftovers } from './settled.ts';
import { runWireCases, wireFault } from './wire-case.ts';

const OPTIONS = {
  cases: { about: 'how many cases', default: 1_000_000 },
  seed: { about: 'what the cases are made from; 0 takes one from the clock', default: 0 },
  case: { about: 'run this case of the seed alone, by both ways, and show it; -1 runs all', default: '-1' },
  wire: { about: 'one case in so many also goes through a running Fairlead; 0 for none', default: 50 },
  lanes: { about: 'how many of those at a time', default: 16 },
  growth: { about: 'MiB that memory may grow by after the first quarter', default: 48 },
} satisfies Record<string, OptionSpec>;

type Options = OptionValues<typeof OPTIONS>;

/** Steps of a run: each one a line, a look at memory, and its end-to-end cases. */
const STEPS = 20;
/** Cases between two looks at the terminal. */
const CASES_PER_TURN = 2000;
/** After so many faults the run ends: they are mostly of one cause. */
const MOST_FAULTS = 20;

/** What goes wrong in a run, told at once with what it takes to see it again. */
class Faults {
  count = 0;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  tell(index: number, fault: string): void {
    this.count++;
    const { stream, text, cuts } = fuzzCase(this.#seed, index);
    const kind = stream === 'requests' ? 'requests' : `the response to ${stream.method}`;
    process.stdout.write(
      `\ncase ${index}, ${kind}: ${fault}\n  bytes (latin1): ${JSON.stringify(text)}\n  pieces end at: ${cuts.join()}\n` +
        `  again: npm run fuzz -- --seed ${this.#seed} --case ${index}\n`,
    );
    if (this.count === MOST_FAULTS) throw new Error(`${MOST_FAULTS} faults, that is enough`);
  }
}

function parserFaultOf({ text, stream, cuts }: FuzzCase): string {
  try {
    return parserFault(text, stream, cuts);
  } catch (error) {
    return `a parser crashed: ${(error as Error).stack}`;
  }
}

async function runParserCases(
  seed: number,
  [from, to]: readonly [number, number],
  faults: Faults,
  onTurn: (done: number) => void,
): Promise<void> {
  for (let index = from; index < to; index++) {
    const fault = parserFaultOf(fuzzCase(seed, index));
    if (fault !== '') faults.tell(index, fault);
    if ((index - from) % CASES_PER_TURN !== 0) continue;
    onTurn(index - from);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function* wireCases(seed: number, [from, to]: readonly [number, number], every: number) {
  for (let index = from; index < to; index++) {
    if (index % every === 0) yield [index, fuzzCase(seed, index)] as const;
  }
}

async function runOne(seed: number, index: number, lanes: readonly Lane[]): Promise<number> {
  const one = fuzzCase(seed, index);
  const found = { parser: parserFaultOf(one), wire: await wireFault(lanes[0]!, one) };
  process.stdout.write(`${JSON.stringify({ ...one, ...found }, null, 2)}\n`);
  return found.parser === '' && found.wire === '' ? 0 : 1;
}

async function runAll(seed: number, options: Options, { lanes, fairlead }: Lanes): Promise<number> {
  const faults = new Faults(seed);
  const progress = new Progress(options.cases);
  const memory: MemoryReading[] = [];
  let overWire = 0;
  for (let step = 0; step < STEPS; step++) {
    const range = [step, step + 1].map((i) => Math.round((i * options.cases) / STEPS)) as [number, number];
    const planned = range[1] - range[0];
    await runParserCases(seed, range, faults, (done) => progress.tick(`parsers, case ${range[0] + done}`, done));
    const wire = options.wire === 0 ? [] : [...wireCases(seed, range, options.wire)];
    overWire += wire.length;
    await progress.during(
      'end to end',
      runWireCases(lanes, wire, (index, fault) => faults.tell(index, fault)),
    );
    collectGarbage();
    memory.push(readMemory());
    const { residentMiB, heapMiB } = memory.at(-1)!;
    const figures = `resident ${residentMiB.toFixed(0)} MiB, heap ${heapMiB.toFixed(1)} MiB`;
    progress.step(
      `${range[1]} cases, ${overWire} of them end to end as well, ${faults.count} faults, ${figures}`,
      planned,
    );
  }
  const left = await leftovers(fairlead);
  const grown = growthOf(memory);
  process.stdout.write(
    `${options.cases} cases of seed ${seed}, ${overWire} of them end to end as well: ${faults.count} faults.\n` +
      `Memory grew by ${grown.toFixed(1)} MiB from the first quarter to the last. Left over at the end: ${left || 'nothing'}.\n`,
  );
  return faults.count === 0 && left === '' && grown <= options.growth ? 0 : 1;
}

async function main(options: Options): Promise<void> {
  const seed = options.seed || Date.now() % 2 ** 31;
  process.stdout.write(`seed ${seed}\n`);
  const lanes = await startLanes(options.lanes);
  const startedAt = performance.now();
  try {
    const one = Number(options.case);
    process.exitCode = one >= 0 ? await runOne(seed, one, lanes.lanes) : await runAll(seed, options, lanes);
  } finally {
    await lanes.close();
  }
  process.stdout.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`);
}

if (import.meta.main) {
  await runMain(
    OPTIONS,
    ['npm run fuzz --', 'mutated HTTP/1.1 beside Node’s own parser, and through a running Fairlead'],
    main,
  );
}
