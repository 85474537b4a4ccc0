import { type Scraped, scrape, sumOf } from '../support/scrape.ts';

/** How long what is over may still be counted, in ms, and how often that is looked at. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 100;

/** What a running Fairlead still holds once nobody uses it: leases and client connections; '' when nothing is left. */
export async function leftovers(fairlead: Scraped): Promise<string> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const samples = await scrape(fairlead);
    const leases = sumOf(samples, 'fairlead_backend_active');
    const connections = sumOf(samples, 'fairlead_connections_active');
    if (leases === 0 && connections === 0) return '';
    if (performance.now() > deadline) return `${leases} leases and ${connections} client connections`;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
