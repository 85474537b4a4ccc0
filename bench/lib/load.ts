import { fileURLToPath } from 'node:url';
import type { ProcessGroup } from './processes.ts';

/** A closed loop of keep-alive connections, each with one request under way. */
export interface LoadSpec {
  readonly url: string;
  readonly connections: number;
  readonly durationS: number;
}

/** What a run of autocannon measured. */
export interface LoadResult {
  readonly answered: number;
  readonly durationMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Connection errors, time-outs and answers that were not 2xx. */
  readonly errors: number;
  /** Requests whose connection ended before the answer; autocannon itself reconnects and does not count these. */
  readonly lost: number;
  /** How many answers had each body; the backends answer with their name. */
  readonly byBody: Readonly<Record<string, number>>;
}

/** Runs autocannon in a process of its own; rejects with its output when that ends without a result. */
export async function runLoad(group: ProcessGroup, spec: LoadSpec): Promise<LoadResult> {
  const script = fileURLToPath(new URL('./load-process.ts', import.meta.url));
  const args = [script, JSON.stringify(spec)];
  const running = await group.start({ name: 'autocannon', command: process.execPath, args, ipc: true });
  let result: LoadResult | undefined;
  running.child.once('message', (message) => {
    result = message as LoadResult;
  });
  const code = await running.ended;
  if (result === undefined) throw new Error(`autocannon ended with ${code} and no result\n${running.output()}`);
  return result;
}
