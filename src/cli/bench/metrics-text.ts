/** One value of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const label = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)",?/g;

/** The values of one metric in Prometheus' text format; empty when it has none. */
export function samplesOf(text: string, metric: string): Sample[] {
  const samples: Sample[] = [];
  for (const row of text.split('\n')) {
    if (!row.startsWith(metric)) continue;
    const [, name, labels = '', value] = line.exec(row) ?? [];
    if (name !== metric) continue;
    const pairs = Array.from(labels.matchAll(label), ([, key, written]) => [key!, unescaped(written!)] as const);
    samples.push({ labels: Object.fromEntries(pairs), value: Number(value) });
  }
  return samples;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
}
