/** The middle value, or the mean of the two middle ones. NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The smallest value that at least `fraction` (0..1) of the values do not exceed (nearest rank). NaN when empty. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)]!;
}

/** How far the values lie apart, as a fraction of their median: (largest − smallest) / median. 0 for one value. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** `value / base`; NaN when either is missing or the base is 0, so that a table shows a gap and not infinity. */
export function ratio(value: number | undefined, base: number | undefined): number {
  if (value === undefined || base === undefined || base === 0) return Number.NaN;
  return value / base;
}
