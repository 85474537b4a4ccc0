import { fileURLToPath } from 'node:url';
import type { ProcessGroup } from './processes.ts';

/** What to download: the same path again and again over a few connections. */
export interface BulkSpec {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly durationS: number;
  readonly core?: number | undefined;
}

/** What arrived. */
export interface BulkResult {
  readonly bytes: number;
  readonly durationMs: number;
  /** Connections that failed or ended before the time was over. */
  readonly errors: number;
}

/** Downloads for the given time in a process of its own and reports the bytes that arrived. */
export async function runBulk(group: ProcessGroup, spec: BulkSpec): Promise<BulkResult> {
  const script = fileURLToPath(new URL('./bulk-process.ts', import.meta.url));
  const args = [script, JSON.stringify(spec)];
  return JSON.parse(await group.run({ name: 'bulk', command: process.execPath, args, core: spec.core }));
}
