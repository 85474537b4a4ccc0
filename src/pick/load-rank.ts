/** Steps that loads are sorted into: one that is less than 1/1024 of the largest above another counts as equal. */
const STEPS = 1024;

/** Finds quantiles of loads in steps that grow with their number only, by counting instead of sorting. */
export class LoadRank {
  readonly #counts = new Uint32Array(STEPS + 1);

  /** A load that at least `share` of the others, rounded down, do not exceed; 0 when there are none. */
  quantile(loads: Float64Array, count: number, share: number): number {
    let most = 0;
    for (let k = 0; k < count; k++) most = Math.max(most, loads[k]!);
    if (most === 0) return 0;
    const counts = this.#counts.fill(0);
    const scale = STEPS / most;
    for (let k = 0; k < count; k++) counts[Math.min(STEPS, Math.ceil(loads[k]! * scale))]!++;
    let left = Math.floor(share * (count - 1));
    let step = 0;
    while (step < STEPS && counts[step]! <= left) left -= counts[step++]!;
    let limit = 0;
    for (let k = 0; k < count; k++)
      if (Math.min(STEPS, Math.ceil(loads[k]! * scale)) <= step) limit = Math.max(limit, loads[k]!);
    return limit;
  }
}
