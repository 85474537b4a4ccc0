import type { ProcessGroup } from './processes.ts';

/** What one run of pgbench measured. */
export interface PgbenchResult {
  readonly transactions: number;
  readonly transactionsPerSecond: number;
  readonly errors: number;
}

/** How to run pgbench: its read-only transaction, prepared once for each connection. */
export interface PgbenchSpec {
  readonly port: number;
  readonly user: string;
  readonly connections: number;
  readonly durationS: number;
  readonly core?: number | undefined;
}

/** Parses what pgbench prints at its end. Throws on text that is no such report, with the text in the message. */
export function parsePgbench(text: string): PgbenchResult {
  const transactions = /^number of transactions actually processed: (\d+)/m.exec(text);
  const failed = /^number of failed transactions: (\d+)/m.exec(text);
  const perSecond = /^tps = ([\d.]+)/m.exec(text);
  if (transactions === null || perSecond === null) throw new Error(`pgbench printed no report:\n${text}`);
  return {
    transactions: Number(transactions[1]),
    transactionsPerSecond: Number(perSecond[1]),
    errors: Number(failed?.[1] ?? 0),
  };
}

/** Runs pgbench against a database that was set up for it; rejects when it fails or a connection is cut. */
export async function runPgbench(group: ProcessGroup, spec: PgbenchSpec): Promise<PgbenchResult> {
  const to = ['-h', '127.0.0.1', '-p', String(spec.port), '-U', spec.user];
  const how = ['--select-only', '--protocol', 'prepared', '--no-vacuum', '--client', String(spec.connections)];
  const args = [...to, ...how, '--time', String(Math.ceil(spec.durationS)), 'postgres'];
  return parsePgbench(await group.run({ name: 'pgbench', command: 'pgbench', args, core: spec.core }));
}
