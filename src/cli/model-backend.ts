import { largestWeight } from '../config/schema-route.ts';
import type { ModelBackend } from '../simulate/play.ts';
import { parseDuration } from '../support/duration.ts';
import { UsageProblem } from './args.ts';

const MOST_BACKENDS = 1000;
const MOST_SLOTS = 100_000;

/** What a backend is like when nothing is said of it. */
export const defaultModel: ModelBackend = { serviceMs: 20, slots: 8 };

const form = /^(?:(\d{1,4})x)?([^,]+)(?:,(.*))?$/;

/** Reads the values of `--backend`, such as `3x20ms,slots=4`. Throws UsageProblem, saying what is wrong with the first that is. */
export function readModels(written: readonly string[]): ModelBackend[] {
  const models = written.flatMap(readModel);
  if (models.length > MOST_BACKENDS) throw new UsageProblem(`more than ${MOST_BACKENDS} backends are too many`);
  return models;
}

function readModel(text: string): ModelBackend[] {
  const [, count = '1', time = '', rest] = form.exec(text) ?? [];
  const serviceMs = parseDuration(time);
  if (serviceMs === undefined || serviceMs === 0)
    throw new UsageProblem(
      `--backend '${text}' does not begin with a time, expected one such as 20ms or 3x20ms,slots=4`,
    );
  const model: { -readonly [key in keyof ModelBackend]: ModelBackend[key] } = { ...defaultModel, serviceMs };
  for (const setting of rest?.split(',') ?? []) {
    const [, name, number] = /^(?:(slots|weight)=(\d{1,6})|fails)$/.exec(setting) ?? [];
    if (setting === 'fails') model.failsFast = true;
    else if (name === 'slots' && within(number, 1, MOST_SLOTS)) model.slots = Number(number);
    else if (name === 'weight' && within(number, 0, largestWeight)) model.weight = Number(number);
    else throw new UsageProblem(`--backend '${text}': '${setting}' is none of slots=N, weight=N, fails`);
  }
  return Array.from({ length: Number(count) }, () => model);
}

function within(number: string | undefined, least: number, most: number): boolean {
  return Number(number) >= least && Number(number) <= most;
}
