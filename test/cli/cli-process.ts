import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** Where the CLI starts. */
export const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

const STUCK_MS = 40_000;

/** How a process is started. */
export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs it, with its arguments. */
  readonly under?: readonly string[];
}

/** The CLI as a process of its own. */
export class CliProcess {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<unknown[]>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], { cwd, env = {}, under = [] }: CliOptions = {}) {
    const { FORCE_COLOR: _, NO_COLOR: __, ...inherited } = process.env;
    const [command, ...words] = [...under, process.execPath, entry, ...args];
    this.#child = spawn(command!, words, {
      cwd,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout.on('data', (text) => (this.stdout += text));
    this.#child.stderr.on('data', (text) => (this.stderr += text));
    this.#ended = once(this.#child, 'close');
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Waits until an output matches, and gives the match; rejects when the process ends or nothing comes for long. */
  async until(output: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    const signal = AbortSignal.timeout(STUCK_MS);
    const ended = this.#ended.then(() => 'ended');
    for (;;) {
      const match = pattern.exec(this[output]);
      if (match !== null) return match;
      const news = await Promise.race([once(this.#child[output], 'data', { signal }).catch(() => 'late'), ended]);
      if (typeof news === 'string' && !pattern.test(this[output]))
        throw new Error(`${news} without ${pattern} in:\n${this.stdout}\n${this.stderr}`);
    }
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for the end and gives the exit code, or the name of the signal that ended it. */
  async code(): Promise<number | string> {
    const [code, signal] = (await this.#ended) as [number | null, string | null];
    return code ?? signal ?? 'unknown';
  }
}

/** Runs the CLI to its end. */
export async function runCli(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const cli = new CliProcess(args, options);
  const code = await cli.code();
  return { code, stdout: cli.stdout, stderr: cli.stderr };
}
