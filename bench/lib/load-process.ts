import autocannon from 'autocannon';
import type { LoadResult, LoadSpec } from './load.ts';
import { percentile } from './statistics.ts';

const REQUEST_TIMEOUT_S = 10;
const SAMPLE_MS = 50;
const MOST_BODIES = 64;

/** Runs autocannon in this process, in its own so that neither the progress bar nor the report costs it time. */
async function load(spec: LoadSpec): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const byBody = new Map<string, number>();
  const countBody = (_status: number, body: string) => {
    const key = byBody.has(body) || byBody.size < MOST_BODIES ? body : 'other';
    byBody.set(key, (byBody.get(key) ?? 0) + 1);
  };
  const run = autocannon({
    url: spec.url,
    connections: spec.connections,
    duration: spec.durationS,
    timeout: REQUEST_TIMEOUT_S,
    sampleInt: SAMPLE_MS,
    requests: [{ onResponse: countBody }],
  });
  run.on('response', (_client: unknown, _status: number, _bytes: number, ms: number) => latenciesMs.push(ms));
  const result = await run;
  return {
    answered: latenciesMs.length,
    durationMs: result.duration * 1000,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    errors: result.errors + result.non2xx,
    // One request a connection is under way when the run ends; what is missing beyond that was sent and never answered.
    lost: Math.max(0, result.requests.sent - latenciesMs.length - spec.connections),
    byBody: Object.fromEntries(byBody),
  };
}

process.send!(await load(JSON.parse(process.argv[2]!)), () => process.exit(0));
