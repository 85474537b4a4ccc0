import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { resolveConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { readFiles } from '../gates/source.ts';

const page = readFiles('docs/routing.md')[0]!.text;
const examples = Array.from(page.matchAll(/```yaml\n(.*?)```/gs), ([, text]) => text!);

/** Every pool that a value names anywhere. */
function poolsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'pool' in value ? [String(value.pool)] : [];
  return [...own, ...Object.values(value).flatMap(poolsIn)];
}

describe('the examples in docs/routing.md', () => {
  it('are there', () => {
    expect(examples.length).toBeGreaterThan(3);
  });

  it.each(examples)('are routes that a config may have:\n%s', (text) => {
    const routes: unknown = parse(text);
    const pools = Object.fromEntries(poolsIn(routes).map((name) => [name, { backends: ['127.0.0.1:3001'] }]));
    const loaded = resolveConfig(
      { listeners: { web: { protocol: 'http', bind: ':8080', routes } }, pools },
      { env: {} },
    );
    expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).toEqual([]);
  });
});
