import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Output } from '../output.ts';

/** How long a program may take to say what is waited for, or to end, in ms; the first `npx` fetches packages. */
const PATIENCE_MS = 180_000;

/** Where a program runs. */
export interface Place {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end and returns what it wrote; rejects, with all of that, when it fails. */
export async function runToEnd(command: string, args: readonly string[], place: Place): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { ...place, maxBuffer: 64 << 20 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}

/** A program that goes on until it is interrupted, in a process group of its own as in a terminal. */
export class Program {
  readonly #child: ChildProcess;
  readonly #output: Output;
  readonly #ended: Promise<unknown>;

  constructor(command: string, args: readonly string[], place: Place) {
    this.#child = spawn(command, args, { ...place, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    // 'close' comes when nobody holds the pipes any more, the children's children included.
    this.#ended = once(this.#child, 'close');
    this.#output = new Output(this.#child);
  }

  get output(): string {
    return this.#output.text;
  }

  /** Waits until it has written this; rejects, with what it wrote, when it ends before or takes too long. */
  async says(pattern: RegExp): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!pattern.test(this.output)) {
      if (this.#child.exitCode !== null || Date.now() > deadline) throw new Error(`${pattern} not in\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** What Ctrl-C does: the whole group is interrupted. Waits until all of it has ended; kills it when it does not end. */
  async interrupt(): Promise<void> {
    const kill = (signal: NodeJS.Signals) => {
      try {
        process.kill(-this.#child.pid!, signal);
      } catch {
        // Nobody is left.
      }
    };
    kill('SIGINT');
    const last = setTimeout(() => kill('SIGKILL'), PATIENCE_MS);
    await this.#ended;
    clearTimeout(last);
    if (this.#child.signalCode === 'SIGKILL') throw new Error(`does not end:\n${this.output}`);
  }
}
