/** One line of a scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Something with an admin server. */
export interface Scraped {
  readonly adminAddresses: readonly string[];
}

/** All samples that an instance with an admin server shows now, as Prometheus would read them. */
export async function scrape(running: Scraped): Promise<Sample[]> {
  // A series that is new is announced by a message, which may be a moment behind the answer that it counts.
  await new Promise((resolve) => setTimeout(resolve, 40));
  const response = await fetch(`http://${running.adminAddresses[0]}/metrics`);
  const text = await response.text();
  return [...text.matchAll(/^([a-z_]+)(?:\{([^\n]*)\})? (\S+)$/gm)].map((match) => ({
    name: match[1]!,
    labels: Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map((pair) => [pair[1]!, pair[2]!])),
    value: Number(match[3]),
  }));
}

/** The sum of a metric over the series that have these labels; 0 when there is none. */
export function sumOf(samples: readonly Sample[], name: string, labels: Sample['labels'] = {}): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** One metric now. */
export async function metric(running: Scraped, name: string, labels: Sample['labels'] = {}): Promise<number> {
  return sumOf(await scrape(running), `fairlead_${name}`, labels);
}
