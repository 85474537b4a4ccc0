/**
 * Estimates of how long backends take, in whole microseconds: milliseconds would make all local backends equal
 * (Traefik's did). Time is handed in, and 0 stands for "never measured".
 */

/** How fast the past fades, in ms: after this long without a measurement an estimate has lost 63 %. */
export const FADE_MS = 10_000;

/** The share of a new measurement at least, where every one counts the same. */
const LEAST_SHARE = 1 / 16;

/** Bands of load that `bandOf` tells apart. */
export const LOAD_BANDS = 8;

/** An estimate that is `ageMs` old, as it counts now. It fades so that a backend that was slow once is tried again. */
export function faded(estimateUs: number, ageMs: number): number {
  if (estimateUs === 0) return 0;
  return Math.max(1, ageMs > 0 ? estimateUs * Math.exp(-ageMs / FADE_MS) : estimateUs);
}

/** Peak-EWMA (Finagle's): a slower answer counts at once, faster ones only as time goes by. */
export function peakAverage(estimateUs: number, measuredUs: number, ageMs: number): number {
  if (measuredUs >= estimateUs) return measuredUs;
  const kept = ageMs > 0 ? Math.exp(-ageMs / FADE_MS) : 1;
  return estimateUs * kept + measuredUs * (1 - kept);
}

/** A moving average in which slower and faster answers count alike; the older the estimate, the less it counts. */
export function movingAverage(estimateUs: number, measuredUs: number, ageMs: number): number {
  if (estimateUs === 0) return measuredUs;
  const share = Math.max(LEAST_SHARE, ageMs > 0 ? 1 - Math.exp(-ageMs / FADE_MS) : 0);
  return estimateUs + (measuredUs - estimateUs) * share;
}

/** The band of a load: 0, 1, 2–3, 4–7, and so on, the last one open. */
export function bandOf(active: number): number {
  return Math.min(LOAD_BANDS - 1, 32 - Math.clz32(Math.max(0, active)));
}

/** The mean of those of the first `count` that were measured, or 1 when none was: what a new backend counts as. */
export function knownAverage(estimatesUs: Float64Array, count: number): number {
  let sum = 0;
  let known = 0;
  for (let index = 0; index < count; index++) {
    const estimateUs = estimatesUs[index]!;
    if (estimateUs === 0) continue;
    sum += estimateUs;
    known++;
  }
  return known === 0 ? 1 : sum / known;
}

/** The least of those of the first `count` that were measured, or 1 when none was. */
export function knownLeast(estimatesUs: Float64Array, count: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    if (estimatesUs[index]! > 0) least = Math.min(least, estimatesUs[index]!);
  }
  return Number.isFinite(least) ? least : 1;
}
