import type { FuzzCase } from './case.ts';
import type { Lane } from './lane.ts';
import { wireRequestFault } from './wire-request.ts';
import { wireResponseFault } from './wire-response.ts';

/** More pieces than this would only try the patience of the kernel. */
const MOST_PIECES = 48;

/** Sends a case through a running Fairlead and says what is wrong, '' when nothing is. */
export function wireFault(lane: Lane, { stream, text, cuts }: FuzzCase): Promise<string> {
  const every = Math.ceil(cuts.length / MOST_PIECES);
  const fewer = cuts.filter((cut, i) => i % every === 0 || cut === text.length);
  const fuzzCase = { stream, text, cuts: fewer };
  return stream === 'requests' ? wireRequestFault(lane, fuzzCase) : wireResponseFault(lane, fuzzCase, stream);
}

/** Runs cases over all lanes, each lane one at a time, and calls `onFault` for each that goes wrong. */
export async function runWireCases(
  lanes: readonly Lane[],
  cases: Iterable<readonly [index: number, fuzzCase: FuzzCase]>,
  onFault: (index: number, fault: string) => void,
): Promise<void> {
  const iterator = cases[Symbol.iterator]();
  const work = async (lane: Lane): Promise<void> => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      const [index, fuzzCase] = next.value;
      const fault = await wireFault(lane, fuzzCase);
      if (fault !== '') onFault(index, fault);
    }
  };
  await Promise.all(lanes.map(work));
}
