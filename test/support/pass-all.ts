import { expect } from 'vitest';
import type { ApartFairlead } from './apart.ts';
import { hashOf, type Sink, type Source } from './flow.ts';

const MIB = 1024 * 1024;
/** What passes in all; `npm run flows` sets it to a gibibyte. */
export const TOTAL_BYTES = Number(process.env['FLOW_MIB'] ?? 384) * MIB;
/** After so much the memory is looked at for the first time, since until then buffers and heaps grow to their size. */
const WARM_BYTES = 64 * MIB;
const REST_BYTES = 96 * MIB;
const REST_MS = 400;
/** What the kernel's buffers of two connections may hold (`net.ipv4.tcp_rmem` goes up to 32 MiB each), and Fairlead's own. */
const MOST_HELD_BYTES = 96 * MIB;
const MOST_GROWTH_BYTES = 32 * MIB;

/** The two ends of a flow: what sends, and a reader that will be made to pause. */
export interface Flow {
  readonly source: Source;
  readonly sink: Sink;
  readonly lb: ApartFairlead;
}

/** Lets everything pass a reader that pauses now and then, while what is held in between stays small. */
export async function passAll({ source, sink, lb }: Flow): Promise<void> {
  await sink.until(WARM_BYTES);
  const startBytes = await lb.residentBytes();
  // While the reader pauses, more is left than may be held.
  for (let next = WARM_BYTES + REST_BYTES; next < TOTAL_BYTES - MOST_HELD_BYTES; next += REST_BYTES) {
    await sink.until(next);
    await sink.rest(REST_MS);
    expect(source.sent - sink.received).toBeLessThan(MOST_HELD_BYTES);
    expect((await lb.residentBytes()) - startBytes).toBeLessThan(MOST_GROWTH_BYTES);
  }
  await sink.until(TOTAL_BYTES);
  expect(sink.received).toBe(TOTAL_BYTES);
  expect(sink.digest()).toBe(hashOf(TOTAL_BYTES));
}
