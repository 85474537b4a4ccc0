/**
 * Reads one counter out of a Prometheus text exposition: the values of all its series, summed by one label. Values of
 * the label must not hold quotes or backslashes, which Fairlead's backend names never do.
 */
export function sumByLabel(text: string, metric: string, label: string): Record<string, number> {
  const sums: Record<string, number> = {};
  const inLabels = new RegExp(`[{,]${label}="([^"\\\\]*)"`);
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${metric}{`)) continue;
    const name = inLabels.exec(line)?.[1];
    if (name === undefined) continue;
    sums[name] =
      (sums[name] ?? 0) +
      Number(
        line
          .slice(line.lastIndexOf('}') + 1)
          .trim()
          .split(' ')[0],
      );
  }
  return sums;
}

/** How often each backend has been picked so far, by backend name, from a Fairlead's admin address on 127.0.0.1. */
export async function readPicks(adminPort: number): Promise<Record<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
  return sumByLabel(await answer.text(), 'fairlead_backend_picks_total', 'backend');
}
