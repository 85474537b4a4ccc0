import { Buffer } from 'node:buffer';

/** Starts and ends of the runs of data that were noted since the last `gatherRuns`. */
let runs: number[] = [];

/** Notes a run of body data; for `BodyFramer.feed`, to be followed by `gatherRuns` at once. */
export function noteRun(start: number, end: number): void {
  if (end > start) runs.push(start, end);
}

/** The runs of `bytes` that were noted, in one buffer of their own; `undefined` when there were none. */
export function gatherRuns(bytes: Buffer): Buffer | undefined {
  const count = runs.length;
  if (count === 0) return undefined;
  const noted = runs;
  runs = [];
  let length = 0;
  for (let i = 0; i < count; i += 2) length += noted[i + 1]! - noted[i]!;
  const data = Buffer.allocUnsafe(length);
  let at = 0;
  for (let i = 0; i < count; i += 2) at += bytes.copy(data, at, noted[i]!, noted[i + 1]!);
  return data;
}
