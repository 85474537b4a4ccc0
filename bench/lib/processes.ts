import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What to start. */
export interface ProcessSpec {
  /** For messages only. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The core the process and all its threads are pinned to with taskset(1); without it the kernel chooses. */
  readonly core?: number | undefined;
  /** Lets all others on its core go first, by chrt(1). */
  readonly yielding?: boolean;
  /** Whether the child speaks over a Node IPC channel (`child.send`, `child.on('message')`). */
  readonly ipc?: boolean;
}

/** A process this run started and will end. */
export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** The last 8 KiB of what it wrote to stdout and stderr, for error messages. */
  output(): string;
  /** True until the process has ended. */
  alive(): boolean;
  /** Resolves with the exit code, or the signal's name, once it and all who share its output have ended. */
  readonly ended: Promise<number | string>;
}

const KEPT_OUTPUT_CHARS = 8192;
const STOP_GRACE_MS = 3000;

/** Where commands are looked for: Debian keeps nginx and HAProxy in /usr/sbin, which a user's PATH may leave out. */
export function searchPath(): string {
  return `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;
}

/** What a started command line looks like with what places it in front of it. */
export function commandLine(spec: ProcessSpec): [command: string, args: string[]] {
  const pinned = spec.core === undefined ? [] : ['taskset', '-c', String(spec.core)];
  const yielding = spec.yielding === true ? ['chrt', '--idle', '0'] : [];
  const [command, ...args] = [...pinned, ...yielding, spec.command, ...spec.args] as [string, ...string[]];
  return [command, args];
}

/**
 * Every process and temporary folder of one benchmark run. Each child leads its own process group, so that ending it
 * ends its children too (nginx keeps its workers there), and nothing the run did not start is ever signalled.
 */
export class ProcessGroup {
  readonly #running = new Set<RunningProcess>();
  readonly #directories: string[] = [];
  readonly #graceMs: number;
  readonly #onExit = () => this.#killNow();
  readonly #onSignal = (signal: NodeJS.Signals) => {
    this.#killNow();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };

  /** `graceMs` is how long a process may take to end after SIGTERM. */
  constructor(graceMs = STOP_GRACE_MS) {
    this.#graceMs = graceMs;
    process.once('exit', this.#onExit);
    process.once('SIGINT', this.#onSignal);
    process.once('SIGTERM', this.#onSignal);
  }

  /** Starts a process. Rejects when the command cannot be run at all. */
  async start(spec: ProcessSpec): Promise<RunningProcess> {
    const [command, args] = commandLine(spec);
    const child = spawn(command, args, {
      detached: true,
      env: { ...process.env, PATH: searchPath(), ...spec.env },
      stdio: ['ignore', 'pipe', 'pipe', ...(spec.ipc ? (['ipc'] as const) : [])],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(new Error(`${spec.name}: ${error.message}`)));
    });
    const running = this.#track(spec.name, child);
    this.#running.add(running);
    void running.ended.then(() => this.#running.delete(running));
    return running;
  }

  /** Runs a process to its end and gives what it printed; rejects with that when it ends with anything but 0. */
  async run(spec: ProcessSpec): Promise<string> {
    const running = await this.start(spec);
    const code = await running.ended;
    if (code !== 0) throw new Error(`${spec.name} ended with ${code}\n${running.output()}`);
    return running.output();
  }

  /** Ends a process and its children: SIGTERM to the group, and SIGKILL when one is left after the grace. */
  async stop(running: RunningProcess): Promise<void> {
    if (!this.#running.has(running)) return;
    signalGroup(running.pid, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(running.pid, 'SIGKILL'), this.#graceMs);
    await running.ended;
    clearTimeout(timer);
  }

  /** Makes a temporary folder that `close` removes. */
  directory(): string {
    const path = mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
    this.#directories.push(path);
    return path;
  }

  /** Ends every process still running, removes the folders, and lets go of the signals. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((running) => this.stop(running)));
    this.#killNow();
    process.off('exit', this.#onExit);
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
  }

  #track(name: string, child: ChildProcess): RunningProcess {
    let kept = '';
    const keep = (chunk: string) => {
      kept = (kept + chunk).slice(-KEPT_OUTPUT_CHARS);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    const ended = new Promise<number | string>((resolve) => {
      child.once('close', (code, signal) => resolve(code ?? signal ?? -1));
    });
    const alive = () => child.exitCode === null && child.signalCode === null;
    return { name, pid: child.pid!, child, output: () => kept, alive, ended };
  }

  #killNow(): void {
    for (const running of this.#running) signalGroup(running.pid, 'SIGKILL');
    for (const path of this.#directories.splice(0)) rmSync(path, { recursive: true, force: true });
  }
}

// The group can be gone between the look and the signal; that is what was wanted.
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
