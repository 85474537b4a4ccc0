import type { Balancer, BalancerContext, Candidate } from './balancer.ts';
import { Hash } from './hash.ts';
import { LeastConnections } from './least-connections.ts';
import { Maglev } from './maglev.ts';
import { PowerOfTwoChoices } from './p2c.ts';
import { PeakEwma } from './peak-ewma.ts';
import { Prequal } from './prequal.ts';
import { Random } from './random.ts';
import { RoundRobin } from './round-robin.ts';

/** How to make one worker's balancer, and a sentence for the reference of the config. */
export interface Algorithm {
  /** A balancer without candidates: it picks nothing until its first update. */
  create<C extends Candidate>(ctx: BalancerContext): Balancer<C>;
  /** What it promises, in one sentence. */
  readonly summary: string;
  /** True when it goes by latencies, which are not measured otherwise. */
  readonly byLatency?: boolean;
}

/** The names `balance` takes in the config. */
export type AlgorithmName =
  | 'round-robin'
  | 'least-connections'
  | 'random'
  | 'p2c'
  | 'peak-ewma'
  | 'prequal'
  | 'hash'
  | 'maglev';

/** Every algorithm by its name in the config. */
export const algorithms: Readonly<Record<AlgorithmName, Algorithm>> = {
  'round-robin': {
    create: (ctx) => new RoundRobin(ctx),
    summary: 'Every backend in turn, exactly as often as its weight says, over all workers together.',
  },
  'least-connections': {
    create: (ctx) => new LeastConnections(ctx),
    summary: 'The backend with the fewest leases for its weight, over all workers; equals in turn.',
  },
  random: {
    create: (ctx) => new Random(ctx),
    summary: 'Any backend, with odds in proportion to its weight.',
  },
  p2c: {
    create: (ctx) => new PowerOfTwoChoices(ctx),
    summary: 'The one with fewer leases for its weight, of two backends drawn at random.',
  },
  'peak-ewma': {
    create: (ctx) => new PeakEwma(ctx),
    summary: 'The backend with the least latency × (leases + 1) for its weight; slow answers count at once.',
    byLatency: true,
  },
  prequal: {
    create: (ctx) => new Prequal(ctx),
    summary: 'The fastest at its present load, of the backends that are not among the busiest.',
    byLatency: true,
  },
  hash: {
    create: (ctx) => new Hash(ctx),
    summary: 'The same backend for the same key while it is there; a request without a key takes its turn.',
  },
  maglev: {
    create: (ctx) => new Maglev(ctx),
    summary: 'The same backend for the same key by one look-up, unless that one carries more than loadFactor.',
  },
};
