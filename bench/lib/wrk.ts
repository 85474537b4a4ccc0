import type { ProcessGroup } from './processes.ts';

/** What one run of wrk measured. */
export interface WrkResult {
  readonly requests: number;
  readonly durationMs: number;
  readonly requestsPerSecond: number;
  /** From the request's first byte sent to the response's last byte read; wrk does not count the connect. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Failed connects, reads and writes, time-outs, and answers that were not 2xx or 3xx. */
  readonly errors: number;
}

/** How to run wrk. */
export interface WrkSpec {
  readonly url: string;
  readonly connections: number;
  readonly durationS: number;
  /** Whether each request opens a connection of its own (`Connection: close`). */
  readonly newConnections: boolean;
  readonly core?: number | undefined;
}

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A time as wrk prints it (`1.23ms`, `980.00us`, `2.01s`) in milliseconds; NaN when it is none. */
export function parseWrkTime(text: string): number {
  const match = /^(-?[\d.]+)(us|ms|s|m|h)$/.exec(text.trim());
  return match === null ? Number.NaN : Number(match[1]) * UNIT_MS[match[2]!]!;
}

/** Parses what `wrk --latency` prints. Throws on text that is no such report, with the text in the message. */
export function parseWrk(text: string): WrkResult {
  const total = /^\s*(\d+) requests in ([\d.]+\w+),/m.exec(text);
  const p50 = /^\s*50%\s+(\S+)/m.exec(text);
  const p99 = /^\s*99%\s+(\S+)/m.exec(text);
  if (total === null || p50 === null || p99 === null) throw new Error(`wrk printed no report:\n${text}`);
  const requests = Number(total[1]);
  const durationMs = parseWrkTime(total[2]!);
  return {
    requests,
    durationMs,
    requestsPerSecond: (requests * 1000) / durationMs,
    p50Ms: parseWrkTime(p50[1]!),
    p99Ms: parseWrkTime(p99[1]!),
    errors: countErrors(text),
  };
}

function countErrors(text: string): number {
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const statuses = /Non-2xx or 3xx responses: (\d+)/.exec(text);
  let errors = statuses === null ? 0 : Number(statuses[1]);
  for (const count of sockets?.slice(1) ?? []) errors += Number(count);
  return errors;
}

/** The arguments of wrk for a spec: one thread, since it has one core; whole seconds, since it knows no others. */
export function wrkArguments(spec: WrkSpec): string[] {
  const close = spec.newConnections ? ['-H', 'Connection: close'] : [];
  const duration = `${Math.ceil(spec.durationS)}s`;
  return ['-t', '1', '-c', String(spec.connections), '-d', duration, '--latency', ...close, spec.url];
}

/** The same as `runWrk`, after `warmUpS` seconds of the same load that are not looked at. */
export async function runWarmWrk(group: ProcessGroup, spec: WrkSpec, warmUpS: number): Promise<WrkResult> {
  if (warmUpS > 0) await runWrk(group, { ...spec, durationS: warmUpS });
  return runWrk(group, spec);
}

/** Runs wrk and parses its report; rejects when wrk fails. */
export async function runWrk(group: ProcessGroup, spec: WrkSpec): Promise<WrkResult> {
  return parseWrk(await group.run({ name: 'wrk', command: 'wrk', args: wrkArguments(spec), core: spec.core }));
}
