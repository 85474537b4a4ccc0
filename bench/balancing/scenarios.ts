import type { ModelBackend, Scenario } from '../../src/simulate/play.ts';

/** Requests a second that a backend of the model can do: 8 at a time, 20 ms each. */
const PER_BACKEND = 400;
const alike: ModelBackend = { serviceMs: 20, slots: 8 };
const slow: ModelBackend = { serviceMs: 200, slots: 8 };

/** So many backends, one of them ten times slower if told so. */
export function fleet(count: number, oneIsSlow = false): ModelBackend[] {
  return Array.from({ length: count }, (_, index) => (oneIsSlow && index === count - 1 ? slow : alike));
}

/** What backends can do together. */
export function capacity(backends: readonly ModelBackend[]): number {
  return backends.reduce((sum, { serviceMs, slots }) => sum + (1000 / serviceMs) * slots, 0);
}

/** A scenario at a share of what the backends can do. */
export function at(load: number, backends: readonly ModelBackend[], more: Partial<Scenario> = {}): Scenario {
  return { backends, perSecond: capacity(backends) * load, requests: 20_000, ...more };
}

/** The scenarios of the chart, by what they are called in it. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  '3 alike, 30 % load': at(0.3, fleet(3)),
  '3 alike, 85 % load': at(0.85, fleet(3)),
  '3, one 10 × slower, 30 % load': { ...at(0.3, fleet(3, true)), perSecond: PER_BACKEND * 0.63 },
  '3, one 10 × slower, 85 % load': at(0.85, fleet(3, true)),
  '100 alike, 85 % load': at(0.85, fleet(100), { requests: 60_000 }),
  '100, one 10 × slower, 85 % load': at(0.85, fleet(100, true), { requests: 60_000 }),
};
