import { EventEmitter } from 'node:events';
import type { Io, Output } from '../../src/cli/io.ts';

/** An output that keeps what was written. */
export interface KeptOutput extends Output {
  readonly text: () => string;
}

/** The process as a test stands in for it: outputs to read back, and signals to send with `signals.emit`. */
export interface FakeIo extends Io {
  readonly stdout: KeptOutput;
  readonly stderr: KeptOutput;
  readonly signals: EventEmitter;
}

function keptOutput(isTTY: boolean): KeptOutput {
  let kept = '';
  return { isTTY, write: (text: string) => (kept += text), text: () => kept };
}

/** An Io with an empty environment and no terminal, unless told otherwise. */
export function fakeIo({
  env = {},
  cwd = '.',
  isTTY = false,
}: Partial<Pick<Io, 'env' | 'cwd'>> & { isTTY?: boolean } = {}): FakeIo {
  return { stdout: keptOutput(isTTY), stderr: keptOutput(isTTY), env, cwd, signals: new EventEmitter() };
}
