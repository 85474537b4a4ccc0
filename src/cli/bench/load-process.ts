import { closedLoop } from './closed-loop.ts';
import type { FromLoad, LoadResult, LoadSpec } from './load.ts';
import { openLoop } from './open-loop.ts';

// The entry of a process that sends load: one of its own, so that neither the progress bar nor the report costs it time.

const PROGRESS_MS = 200;

function run(spec: LoadSpec, durationMs: number, onAnswer: (answered: number) => void): Promise<LoadResult> {
  const { rate } = spec;
  return rate === undefined
    ? closedLoop(spec, durationMs, onAnswer)
    : openLoop({ ...spec, rate }, durationMs, onAnswer);
}

const told = (): Promise<unknown> => new Promise((resolve) => process.once('message', resolve));
const say = (message: FromLoad): Promise<void> => new Promise((resolve) => process.send!(message, () => resolve()));

// Ctrl-C reaches the whole process group: our parent says when to end, and has gone when the channel is.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());

const spec = (await told()) as LoadSpec;
if (spec.warmUpMs > 0) await run(spec, spec.warmUpMs, () => {});
const go = told();
await say({ kind: 'warm' });
await go;
let answered = 0;
const progress = setInterval(() => void say({ kind: 'progress', answered }), PROGRESS_MS);
const result = await run(spec, spec.durationMs, (count) => {
  answered = count;
});
clearInterval(progress);
await say({ kind: 'done', result });
process.exit();
