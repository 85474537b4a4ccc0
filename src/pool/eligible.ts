import type { Backend } from './backend.ts';

/**
 * Those that may be picked: the ones that are well, without the backups; when none of them is, the backups that are
 * well; when none of those is either, the ones that are ejected only, since an ejection must not leave a pool empty.
 *
 * When fewer than `panicBelow` (a share) of them are well, the few would only be overrun: then all are used, whatever is
 * known of their health, but for what an operator has taken out.
 */
export function eligibleOf(backends: readonly Backend[], panicBelow: number): readonly Backend[] {
  const first = backends.filter(({ backup }) => !backup);
  const well = first.filter(({ eligible }) => eligible);
  if (well.length === 0) {
    const standIns = backends.filter(({ backup, eligible }) => backup && eligible);
    if (standIns.length > 0) return standIns;
    const ejected = first.filter(({ eligibleButEjected }) => eligibleButEjected);
    if (ejected.length > 0) return ejected;
  }
  if (panicBelow === 0) return well;
  const wanted = first.filter((backend) => backend.wanted);
  return well.length < wanted.length * panicBelow ? wanted : well;
}
