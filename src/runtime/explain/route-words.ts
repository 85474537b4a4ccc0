import type { RouteConfig } from '../../config/schema.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import { keyReader } from '../../proxy/sticky-key.ts';
import { formatDuration } from '../../support/duration.ts';
import { formatPercent } from '../../support/percent.ts';
import type { Rate } from '../../support/rate.ts';
import type { SessionFacts } from './determined.ts';

/** A request as far as the settings of its route go by it. */
export interface Asked {
  readonly head: RequestHead;
  readonly source: string;
  readonly session: SessionFacts | undefined;
}

/** What a route does beside leading to a pool, a line for each thing. */
export function settingsInWords(route: RouteConfig, asked: Asked): string[] {
  return [...rateLimitWords(route, asked), ...(route.action.kind === 'pool' ? poolWords(route, asked) : [])];
}

function poolWords(route: RouteConfig, asked: Asked): string[] {
  return [
    `timeout: ${formatDuration(route.timeout)} for all tries together`,
    retryWords(route),
    ...stickyWords(route, asked),
    ...mirrorWords(route),
    ...faultWords(route),
  ];
}

function retryWords({ retry: { attempts, on, perTry, budget } }: RouteConfig): string {
  if (attempts === 1 || on.length === 0) return 'retry: none';
  const each = perTry === undefined ? '' : `, ${formatDuration(perTry)} for each`;
  return `retry: up to ${attempts} tries on ${on.join(', ')}${each}, budget ${formatPercent(budget)}`;
}

function stickyWords({ sticky }: RouteConfig, { session }: Asked): string[] {
  if (sticky === undefined || session === undefined) return [];
  const { kind, name, ttlMs } = sticky;
  const life = ttlMs === 0 ? '' : `, ends after ${formatDuration(ttlMs)} of silence`;
  const place = kind === 'query' ? `query parameter ${name}` : `${kind} ${name}`;
  if (session.key !== undefined && kind === 'cookie' && session.place === undefined)
    return [`sticky: its ${place} is of no backend that is there, and it is given another${life}`];
  if (session.key !== undefined) {
    const backend = session.place === undefined ? 'the backend' : `${session.place.backend}, the backend`;
    const begins = session.begins === undefined ? '' : `; a new session begins on ${session.begins.backend}`;
    return [`sticky: stays on ${backend} of its ${place}, if that is there${life}${begins}`];
  }
  const next = kind === 'cookie' ? 'is given one' : 'goes where the pool picks';
  return [`sticky: has no ${place}, and ${next}${life}`];
}

function rateLimitWords({ rateLimit }: RouteConfig, { head, source }: Asked): string[] {
  if (rateLimit === false) return [];
  const { rate, burst, by } = rateLimit;
  const read = by.kind === 'source' ? undefined : keyReader(by)(head);
  const key = by.kind === 'source' || read === undefined ? `source ${source}` : `${by.kind} ${by.name}`;
  const atOnce = burst === undefined ? '' : `, ${burst} at once`;
  return [`rateLimit: ${rateInWords(rate)}${atOnce}, counted by ${key}; past that 429`];
}

function rateInWords({ count, intervalMs }: Rate): string {
  return `${count} in ${formatDuration(Math.round(count * intervalMs))}`;
}

function mirrorWords({ mirror }: RouteConfig): string[] {
  return mirror === false ? [] : [`mirror: ${formatPercent(mirror.percent)} are copied to pool ${mirror.pool}`];
}

function faultWords({ fault }: RouteConfig): string[] {
  if (fault === false) return [];
  const { delay, status, percent } = fault;
  const what = [
    delay === undefined ? undefined : `wait ${formatDuration(delay)}`,
    status === undefined ? undefined : `are answered ${status}`,
  ];
  return [`fault: ${formatPercent(percent)} ${what.filter((one) => one !== undefined).join(' and ')} on purpose`];
}

/** What a route edits in the heads of requests and answers, a line for each field. */
export function editsInWords({ action, headers }: RouteConfig): string[] {
  const sides = action.kind === 'pool' ? (['request', 'response'] as const) : (['response'] as const);
  return sides.flatMap((side) => {
    const { set, add, remove } = headers[side];
    return [
      ...remove.map((name) => `${side} header ${name}: removed`),
      ...Object.entries(set).map(([name, value]) => `${side} header ${name}: set to ${value}`),
      ...Object.entries(add).flatMap(([name, values]) =>
        values.map((value) => `${side} header ${name}: ${value} added`),
      ),
    ];
  });
}
