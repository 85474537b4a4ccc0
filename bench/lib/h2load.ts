import type { ProcessGroup } from './processes.ts';

/** What one run of h2load measured. */
export interface H2loadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Requests that failed, broke off or timed out, and answers that were not 2xx or 3xx. */
  readonly errors: number;
}

/** How to run h2load. */
export interface H2loadSpec {
  readonly url: string;
  readonly connections: number;
  /** Requests under way at once on each connection. */
  readonly streams: number;
  readonly durationS: number;
  readonly core?: number | undefined;
}

/**
 * Parses what `h2load` prints. Throws with the text in the message on text that is no such report, and when another
 * protocol than HTTP/2 was settled on.
 */
export function parseH2load(text: string, durationS: number): H2loadResult {
  if (!/^Application protocol: h2c?$/m.test(text)) throw new Error(`h2load spoke no HTTP/2:\n${text}`);
  const total = /^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m.exec(text);
  const statuses = /^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/m.exec(text);
  if (total === null || statuses === null) throw new Error(`h2load printed no report:\n${text}`);
  const [succeeded, failed, , timedOut] = total.slice(1).map(Number) as [number, number, number, number];
  // Failed ones have those that errored or timed out among them. A status of 4xx or 5xx counts as succeeded or failed by version.
  const refused = Number(statuses[3]) + Number(statuses[4]);
  const requests = Number(statuses[1]) + Number(statuses[2]);
  const errors = Math.max(failed, refused, timedOut);
  return {
    requests: Math.min(requests, succeeded),
    requestsPerSecond: Math.min(requests, succeeded) / durationS,
    errors,
  };
}

/** The arguments of h2load for a spec: one thread, since it has one core; whole seconds, since it knows no others. */
export function h2loadArguments(spec: H2loadSpec): string[] {
  const duration = String(Math.ceil(spec.durationS));
  return ['-t', '1', '-c', String(spec.connections), '-m', String(spec.streams), '-D', duration, spec.url];
}

/** Runs h2load and parses its report; rejects when it fails. */
export async function runH2load(group: ProcessGroup, spec: H2loadSpec): Promise<H2loadResult> {
  const out = await group.run({ name: 'h2load', command: 'h2load', args: h2loadArguments(spec), core: spec.core });
  return parseH2load(out, Math.ceil(spec.durationS));
}
