import { type PerKind, SlowCrowd, type SlowSpec } from './slow-client.ts';

/** What the process is started with, as JSON. */
export interface CrowdSpec extends SlowSpec {
  readonly clients: PerKind;
  readonly overMs: number;
}

/** What it is told: to count, or to let nobody come back. */
export type ToCrowd = 'count' | 'end';

async function main(): Promise<void> {
  const { clients, overMs, ...spec } = JSON.parse(process.argv[2]!) as CrowdSpec;
  const crowd = new SlowCrowd(spec);
  process.on('message', (message: ToCrowd) => {
    if (message === 'end') crowd.end();
    process.send!(crowd.count());
  });
  await crowd.gather(clients, overMs);
  process.send!(crowd.count());
}

if (import.meta.main) await main();
