import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessGroup } from './processes.ts';

/** What one run of dnsperf measured. */
export interface DnsperfResult {
  readonly answers: number;
  readonly answersPerSecond: number;
  /** Queries without an answer in time, and answers that say the server failed. */
  readonly errors: number;
}

/** How to run dnsperf. */
export interface DnsperfSpec {
  readonly port: number;
  /** The name that is asked for, of type A. */
  readonly name: string;
  /** Sockets, each with a source port of its own; the queries under way are as many. */
  readonly connections: number;
  readonly durationS: number;
  readonly core?: number | undefined;
}

/** Parses dnsperf's closing statistics. Throws on text that has none, with the text in the message. */
export function parseDnsperf(text: string): DnsperfResult {
  const count = (title: string) => Number(new RegExp(`^\\s*${title}:\\s+([\\d.]+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  const answers = count('Queries completed');
  const answersPerSecond = count('Queries per second');
  if (Number.isNaN(answers + answersPerSecond)) throw new Error(`dnsperf printed no report:\n${text}`);
  const good = Number(/^\s*Response codes:.*?NOERROR (\d+)/m.exec(text)?.[1] ?? 0);
  return { answers, answersPerSecond, errors: count('Queries lost') + answers - good };
}

/** Runs dnsperf, which asks one question over and over, and parses its report; rejects when it fails. */
export async function runDnsperf(group: ProcessGroup, spec: DnsperfSpec): Promise<DnsperfResult> {
  const questions = join(group.directory(), 'questions');
  writeFileSync(questions, `${spec.name} A\n`);
  const clients = ['-c', String(spec.connections), '-q', String(spec.connections), '-T', '1'];
  const args = ['-s', '127.0.0.1', '-p', String(spec.port), '-d', questions, '-l', String(spec.durationS), ...clients];
  return parseDnsperf(await group.run({ name: 'dnsperf', command: 'dnsperf', args, core: spec.core }));
}
