import { isIP } from 'node:net';
import type { ExplainRequest, Explanation } from '../../admin/explain-schema.ts';
import type { Config } from '../../config/schema.ts';
import { formatPercent } from '../../support/percent.ts';
import { closest } from '../../support/suggest.ts';
import { type Found, nothingFound } from './found.ts';
import { explainHttp } from './http.ts';
import { explainL4 } from './l4.ts';
import { chooseListeners, listenerSteps, type NamedConfig } from './listener-choice.ts';
import { readTarget, type Target } from './target.ts';

/** What would become of a request, or why it is none that could be asked about. */
export type Explained =
  | { readonly ok: true; readonly explanation: Explanation }
  | { readonly ok: false; readonly problem: string };

/**
 * What a config would do with a request, and why, without sending anything. It goes by the routers and rewrites that
 * serve; health, load, limits that are used up and what was changed at run time play no part. Never throws for a valid
 * config.
 */
export function explainRequest(config: Config, request: ExplainRequest): Explained {
  const target = readTarget(request.url);
  const problem = typeof target === 'string' ? `the URL cannot be read: ${target}` : problemOf(config, request);
  if (problem !== undefined || typeof target === 'string') return { ok: false, problem: problem ?? '' };
  const all = Object.entries(config.listeners).map(([name, listener]) => ({ name, config: listener }));
  const named = all.filter(({ name }) => name === request.listener);
  const { candidates, notes } =
    request.listener === undefined ? chooseListeners(all, target) : { candidates: named, notes: [] };
  const tried = candidates.map((candidate) => ({ candidate, found: ask(candidate, { config, target, request }) }));
  // Only a URL without a port leaves a choice: then whoever takes the request first in file order is meant.
  const best = tried.find(({ found }) => found.outcome === 'matched') ?? tried[0];
  const listeners = listenerSteps(all, target, best?.candidate.name);
  const found: Found = best?.found ?? { ...nothingFound(request.source ?? '127.0.0.1'), outcome: 'no-listener' };
  const listener = best?.candidate.name;
  const { outcome, source, route, determined, ...rest } = found;
  const explanation = {
    outcome,
    summary: summaryOf(found, listener, target),
    source,
    listener: listener ?? null,
    route,
    pool: determined?.pool ?? largest(found.action?.pools ?? []),
    backend: determined?.backend ?? null,
    ...rest,
    listeners,
    notes: [...notes, ...(best === undefined ? [] : tlsNotes(best.candidate, target)), ...found.notes],
  };
  return { ok: true, explanation };
}

function largest(pools: readonly { pool: string; share: number }[]): string | null {
  return pools.toSorted((a, b) => b.share - a.share)[0]?.pool ?? null;
}

function problemOf(config: Config, { source, listener, method, headers = {} }: ExplainRequest): string | undefined {
  if (source !== undefined && isIP(source) === 0) return `"${source}" is not an IP address`;
  if (method !== undefined && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) return `"${method}" is not a method`;
  const broken = Object.entries(headers).find((field) => /[\r\n]/.test(field.flat().join('')));
  if (broken !== undefined) return `header ${JSON.stringify(broken[0])} has a line break`;
  if (listener === undefined || Object.hasOwn(config.listeners, listener)) return undefined;
  const meant = closest(listener, Object.keys(config.listeners));
  return `there is no listener '${listener}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`;
}

interface Question {
  readonly config: Config;
  readonly target: Target;
  readonly request: ExplainRequest;
}

function ask({ name, config: listener }: NamedConfig, question: Question): Found {
  if (listener.protocol === 'http') return explainHttp({ ...question, name, listener });
  return explainL4({ ...question, listener });
}

function tlsNotes({ name, config }: NamedConfig, { tls, kind }: Target): string[] {
  if (config.protocol === 'udp' || (kind !== 'http' && !tls)) return [];
  if (config.tls !== undefined && !tls) return [`listener ${name} speaks TLS: the client has to as well`];
  if (config.protocol === 'http' && config.tls === undefined && tls)
    return [`listener ${name} does not speak TLS: something in front of it would have to`];
  return [];
}

function summaryOf(found: Found, listener: string | undefined, target: Target): string {
  const { outcome, refusal, route, action, determined } = found;
  if (outcome === 'no-listener') return `No listener is bound to port ${target.port}.`;
  if (outcome === 'refused') {
    const unheard = target.kind === 'udp' ? 'drops the datagram' : 'closes the connection';
    const how = refusal!.status === null ? unheard : `answers ${refusal!.status} ${refusal!.code}`;
    return `Listener ${listener} ${how}: ${refusal!.message}.`;
  }
  if (outcome === 'no-route') return `No route of listener ${listener} matches.`;
  const by = `Route ${route!.name} of listener ${listener}`;
  if (action!.kind === 'redirect')
    return `${by} answers ${action!.status} and sends the client to ${action!.location}.`;
  if (action!.kind === 'respond') return `${by} answers ${action!.status} by itself.`;
  if (determined !== undefined) return `${by} leads to backend ${determined.backend} of pool ${determined.pool}.`;
  const pools = action!.pools.map(({ pool, share }) => (share === 1 ? pool : `${pool} (${formatPercent(share)})`));
  return `${by} leads to pool ${pools.join(', ')}.`;
}
