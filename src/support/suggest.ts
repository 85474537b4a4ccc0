const longestWord = 64;
const shortestStart = 4;

/**
 * The candidate a mistyped word most likely meant, or `undefined` when none is near enough.
 * Near is at most one slip per three letters, or the start of a word of which at least four letters are there (`warning`
 * for `warn`); case, `-` and `_` do not count, so `keep_alive` finds `keepAlive`.
 * Of equally near candidates the first wins.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  const typed = fold(word);
  if (typed.length === 0 || typed.length > longestWord) return undefined;
  let best: string | undefined;
  let bestSlips = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const known = fold(candidate);
    if (known.length > longestWord) continue;
    const allowed = Math.floor((Math.max(typed.length, known.length) + 1) / 3);
    const slips = isStart(typed, known) ? Math.min(distance(typed, known), allowed) : distance(typed, known);
    if (slips <= allowed && slips < bestSlips) {
      best = candidate;
      bestSlips = slips;
    }
  }
  return best;
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '');
}

function isStart(typed: string, known: string): boolean {
  return Math.min(typed.length, known.length) >= shortestStart && (typed.startsWith(known) || known.startsWith(typed));
}

/** Optimal string alignment (Damerau, 1964, without overlapping swaps): insert, delete, replace or swap neighbours. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}
