import { Buffer } from 'node:buffer';

/** Starts and ends of the runs of data that were noted and not yet taken. */
let runs: number[] = [];
let next = 0;
let total = 0;

/** Notes a run of body data; for `BodyFramer.feed`, to be followed by taking all runs at once. */
export function noteRun(start: number, end: number): void {
  if (end === start) return;
  runs.push(start, end);
  total += end - start;
}

/** Bytes in the runs that were noted and not yet taken. */
export function notedBytes(): number {
  return total;
}

/** Copies the next `length` of the noted bytes of `bytes` to `into` at `at`. */
export function takeRuns(bytes: Buffer, into: Buffer, at: number, length: number): void {
  total -= length;
  while (length > 0) {
    const start = runs[next]!;
    const end = Math.min(runs[next + 1]!, start + length);
    bytes.copy(into, at, start, end);
    at += end - start;
    length -= end - start;
    if (end === runs[next + 1]) next += 2;
    else runs[next] = end;
  }
  if (total > 0) return;
  runs = [];
  next = 0;
}

/** The noted runs of `bytes`, in one buffer of their own; `undefined` when there were none. */
export function gatherRuns(bytes: Buffer): Buffer | undefined {
  if (total === 0) return undefined;
  const data = Buffer.allocUnsafe(total);
  takeRuns(bytes, data, 0, total);
  return data;
}
