import autocannon from 'autocannon';
import type { LoadResult, LoadSpec } from './load.ts';
import { Tally } from './tally.ts';

const SAMPLE_MS = 100;

/**
 * A closed loop: every connection sends its next request when it has the answer to the last, as autocannon does. Its
 * latencies are recorded here, because its own histogram counts whole milliseconds. `onAnswer` hears how many there are.
 */
export async function closedLoop(
  spec: LoadSpec,
  durationMs: number,
  onAnswer: (answered: number) => void,
): Promise<LoadResult> {
  const { url, connections, timeoutMs, method, headers, body } = spec;
  const tally = new Tally();
  const startedAt = performance.now();
  let bytes = 0;
  const run = autocannon({
    url,
    connections,
    duration: durationMs / 1000,
    timeout: timeoutMs / 1000,
    sampleInt: SAMPLE_MS,
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  run.on('response', (_client: unknown, status: number, size: number, ms: number) => {
    bytes += size;
    tally.answer(status, ms);
    onAnswer(tally.answered);
  });
  run.on('reqError', (error: NodeJS.ErrnoException) => tally.failure(error.code ?? error.message));
  const { requests, errors } = await run;
  // One request of each connection is under way when the run ends; what is missing beyond that was sent and never answered.
  tally.failure('connection closed', requests.sent - tally.answered - connections - errors);
  return tally.result(performance.now() - startedAt, bytes);
}
