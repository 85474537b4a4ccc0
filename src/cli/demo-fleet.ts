import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BackendReport } from './demo-backend.ts';

/** One of the demo's backends as it is now. */
export interface DemoBackend {
  readonly name: string;
  /** It keeps its port over restarts, so that the balancer finds it again. */
  readonly port: number;
  /** Its process; undefined while it is down. */
  readonly pid: number | undefined;
}

/** What a fleet is made of. */
export interface FleetOptions {
  readonly names: readonly string[];
  /** The ports to try first, in the order of the names; one that is taken is replaced by a free one. */
  readonly ports: readonly number[];
  /** How long a backend that ended stays down before it is started again. */
  readonly restartMs: number;
  /** Told when a backend ended, and when it is there again; never after `stop`. */
  readonly onChange: (backend: DemoBackend) => void;
}

const STOP_MS = 2_000;

/** The demo's backends: child processes that are started again when somebody ends them. */
export class DemoFleet {
  readonly #options: FleetOptions;
  readonly #members: { name: string; port: number; child: ChildProcess | undefined }[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopping = false;

  private constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Starts every backend and waits until each listens; rejects, with none left behind, when one cannot. */
  static async start(options: FleetOptions): Promise<DemoFleet> {
    const fleet = new DemoFleet(options);
    try {
      for (const [n, name] of options.names.entries()) await fleet.#add(name, options.ports[n] ?? 0);
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  /** The backends in the order of their names' list. */
  get backends(): DemoBackend[] {
    return this.#members.map(({ name, port, child }) => ({ name, port, pid: child?.pid }));
  }

  /** Ends every backend and waits until its process is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#members.map(({ child }) => child && endChild(child)));
  }

  async #add(name: string, wantedPort: number): Promise<void> {
    const member = { name, port: wantedPort, child: undefined as ChildProcess | undefined };
    const n = this.#members.push(member) - 1;
    let report = await this.#launch(n);
    if ('problem' in report && wantedPort !== 0) {
      member.port = 0;
      report = await this.#launch(n);
    }
    if ('problem' in report) throw new Error(`backend ${name} cannot start: ${report.problem}`);
    member.port = report.port;
  }

  /** Starts the process of a member and waits for its word; from a member that listens on, its end leads to a restart. */
  async #launch(n: number): Promise<BackendReport> {
    const member = this.#members[n]!;
    const program = fileURLToPath(new URL(`./demo-backend${extname(import.meta.url)}`, import.meta.url));
    const env = { ...process.env, DEMO_BACKEND: member.name, PORT: String(member.port) };
    const child = fork(program, { env, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    member.child = child;
    const ended = once(child, 'exit').then((): BackendReport => ({ problem: 'it ended at once' }));
    const said = once(child, 'message').then(([report]) => report as BackendReport);
    const report = await Promise.race([said, ended]);
    if ('problem' in report) {
      await ended;
      member.child = undefined;
    } else void ended.then(() => this.#goDown(n));
    return report;
  }

  #goDown(n: number): void {
    this.#members[n]!.child = undefined;
    if (this.#stopping) return;
    this.#options.onChange(this.backends[n]!);
    this.#restartLater(n);
  }

  #restartLater(n: number): void {
    const timer = setTimeout(async () => {
      this.#timers.delete(timer);
      const report = await this.#launch(n);
      if (this.#stopping) return;
      // Whoever took the port meanwhile may leave it again: there is no other port the balancer knows.
      if ('problem' in report) this.#restartLater(n);
      else this.#options.onChange(this.backends[n]!);
    }, this.#options.restartMs);
    this.#timers.add(timer);
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(timer);
}
