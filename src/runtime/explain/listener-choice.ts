import type { ListenerStep } from '../../admin/explain-schema.ts';
import type { ListenerConfig } from '../../config/schema.ts';
import { type Address, formatAddress, isWildcard } from '../../support/address.ts';
import type { Target } from './target.ts';

/** A listener with its name. */
export interface NamedConfig {
  readonly name: string;
  readonly config: ListenerConfig;
}

/** The listeners that may take a request, the likeliest first, and what was assumed to find them. */
export interface ListenerChoice {
  readonly candidates: readonly NamedConfig[];
  readonly notes: readonly string[];
}

const defaultPort = (target: Target): number => (target.tls ? 443 : 80);

/**
 * The listeners that a URL may lead to. One with a port leads to what is bound to it, be it HTTP or TCP; one without to
 * port 80 or 443, and when nothing is bound there, for something else may stand in front, to the listeners of its
 * protocol, those first that speak TLS as it does.
 */
export function chooseListeners(listeners: readonly NamedConfig[], target: Target): ListenerChoice {
  const port = target.port ?? defaultPort(target);
  const bound = listeners.filter(({ config }) => carries(config, target) && isBoundTo(config, port));
  if (bound.length > 0) return { candidates: [nearest(bound, target, port)], notes: [] };
  const alike = listeners.filter(({ config }) => config.protocol === target.kind);
  if (target.port !== undefined) {
    const open = alike.filter(({ config }) => config.bind.some(isAnywhere));
    if (open.length === 0) return { candidates: [], notes: [] };
    return { candidates: open, notes: [`no listener names port ${port}; this one takes any port that is free`] };
  }
  const candidates = [...alike].sort((a, b) => tlsDistance(a, target) - tlsDistance(b, target));
  return {
    candidates,
    notes: [`the URL has no port, and no listener is bound to ${port}: shown is the first that takes it`],
  };
}

/** How every listener stands to the request, once one is taken. */
export function listenerSteps(
  listeners: readonly NamedConfig[],
  target: Target,
  taken: string | undefined,
): ListenerStep[] {
  return listeners.map(({ name, config }) => ({
    name,
    protocol: config.protocol,
    bind: config.bind.map(formatAddress),
    taken: name === taken,
    reason: name === taken ? 'takes it' : reasonAgainst(config, target, taken),
  }));
}

function reasonAgainst(config: ListenerConfig, target: Target, taken: string | undefined): string {
  const { port = defaultPort(target) } = target;
  if (!carries(config, target)) return `speaks ${config.protocol}, not ${target.kind}`;
  if (target.port !== undefined && !isBoundTo(config, port)) return `is not bound to port ${port}`;
  return taken === undefined ? 'does not take it' : `${taken} is nearer`;
}

/** HTTP may well go to a tcp listener, which does not look at it. */
function carries({ protocol }: ListenerConfig, { kind }: Target): boolean {
  return protocol === kind || (kind === 'http' && protocol === 'tcp');
}

function isBoundTo({ bind }: ListenerConfig, port: number): boolean {
  return bind.some((address) => address.kind === 'tcp' && address.port === port);
}

/** Where it listens is known only when it does. */
function isAnywhere(address: Address): boolean {
  return address.kind === 'unix' || address.port === 0;
}

/** One bound to the very address of the URL, else one bound to all, else, since a name may mean any address, the first. */
function nearest(bound: readonly NamedConfig[], target: Target, port: number): NamedConfig {
  const hostsOf = ({ config }: NamedConfig): string[] =>
    config.bind.flatMap((one) => (one.kind === 'tcp' && one.port === port ? [one.host] : []));
  const wanted = target.host === 'localhost' ? ['localhost', '127.0.0.1', '::1'] : [target.host];
  return (
    bound.find((one) => hostsOf(one).some((host) => wanted.includes(host))) ??
    bound.find((one) => hostsOf(one).some(isWildcard)) ??
    bound[0]!
  );
}

function tlsDistance({ config }: NamedConfig, target: Target): number {
  return (config.tls !== undefined) === target.tls ? 0 : 1;
}
