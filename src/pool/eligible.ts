import type { Backend } from './backend.ts';

/**
 * Those that can be used, in the order in which they are to be: the ones that are well, the backups that are, then the ones
 * that are only ejected, since an ejection must not leave a pool empty, and such backups.
 */
export function ranksOf(backends: readonly Backend[]): readonly (readonly Backend[])[] {
  const usable = backends.filter(({ eligibleButEjected }) => eligibleButEjected);
  const rank = (isBackup: boolean, isEjected: boolean): readonly Backend[] =>
    usable.filter(({ backup, ejected }) => backup === isBackup && ejected === isEjected);
  return [rank(false, false), rank(true, false), rank(false, true), rank(true, true)];
}

/**
 * Those that may be picked: the first rank that there is anyone of.
 *
 * When fewer than `panicBelow` (a share) of those that are no backups are well, the few would only be overrun: then all of
 * them are used, whatever is known of their health, but for what an operator has taken out.
 */
export function eligibleOf(backends: readonly Backend[], panicBelow: number): readonly Backend[] {
  const ranks = ranksOf(backends);
  const well = ranks[0]!;
  const first = ranks.find(({ length }) => length > 0) ?? well;
  if (first !== well || panicBelow === 0) return first;
  const wanted = backends.filter(({ backup, wanted }) => !backup && wanted);
  return well.length < wanted.length * panicBelow ? wanted : well;
}
