import { Buffer } from 'node:buffer';

/** Bytes that are copied faster one by one than by a call into C++. */
const LONGEST_BY_HAND = 64;

/** Starts and ends of the runs of data that were noted, `count` of them, those before `next` taken already. */
const runs: number[] = [];
let count = 0;
let next = 0;
let total = 0;

/** Notes a run of body data; for `BodyFramer.feed`, to be followed by taking all runs at once. */
export function noteRun(start: number, end: number): void {
  if (end === start) return;
  runs[count++] = start;
  runs[count++] = end;
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
    if (end - start > LONGEST_BY_HAND) bytes.copy(into, at, start, end);
    else for (let i = start; i < end; i++) into[at + i - start] = bytes[i]!;
    at += end - start;
    length -= end - start;
    if (end === runs[next + 1]) next += 2;
    else runs[next] = end;
  }
  if (total === 0) dropRuns();
}

/** Forgets the runs that were noted and not taken, which are of bytes that nobody gets. */
export function dropRuns(): void {
  count = 0;
  next = 0;
  total = 0;
}

/** The noted runs of `bytes`, in one buffer of their own; `undefined` when there were none. */
export function gatherRuns(bytes: Buffer): Buffer | undefined {
  if (total === 0) return undefined;
  const data = Buffer.allocUnsafe(total);
  takeRuns(bytes, data, 0, total);
  return data;
}
