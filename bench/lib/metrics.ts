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

/** All metrics of a Fairlead's admin address on 127.0.0.1, as text; rejects when it does not answer with 200. */
export async function readMetrics(adminPort: number): Promise<string> {
  // On a connection of its own, so that none is left that a reading would find.
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`, { headers: { connection: 'close' } });
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
  return answer.text();
}

/** How often each backend has been picked so far, by backend name, from a Fairlead's admin address on 127.0.0.1. */
export async function readPicks(adminPort: number): Promise<Record<string, number>> {
  return sumByLabel(await readMetrics(adminPort), 'fairlead_backend_picks_total', 'backend');
}
