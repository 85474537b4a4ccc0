import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePorts, portsReady } from '../lib/ports.ts';
import type { ProcessGroup, RunningProcess } from '../lib/processes.ts';

const SCRIPT = fileURLToPath(new URL('./backend-process.ts', import.meta.url));

/** A backend that can be killed and comes back under the same address. */
export class MortalBackend {
  readonly httpPort: number;
  readonly echoPort: number;
  readonly #group: ProcessGroup;
  #running: RunningProcess | undefined;

  private constructor(group: ProcessGroup, httpPort: number, echoPort: number) {
    this.#group = group;
    this.httpPort = httpPort;
    this.echoPort = echoPort;
  }

  /** Starts so many of them; resolves once all accept. */
  static async startAll(group: ProcessGroup, count: number): Promise<MortalBackend[]> {
    const ports = await freePorts(count * 2);
    const backends = Array.from(
      { length: count },
      (_, i) => new MortalBackend(group, ports[2 * i]!, ports[2 * i + 1]!),
    );
    await Promise.all(backends.map((backend) => backend.start()));
    return backends;
  }

  /** Starts it again; resolves once it accepts. */
  async start(): Promise<void> {
    const args = [SCRIPT, String(this.httpPort), String(this.echoPort)];
    const running = await this.#group.start({ name: 'backend', command: process.execPath, args, ipc: true });
    this.#running = running;
    await Promise.race([once(running.child, 'message'), running.ended]);
    await portsReady(running, [this.httpPort, this.echoPort]);
  }

  /** Kills it as a crash would: its connections are reset, its datagrams answered with ICMP. */
  async kill(): Promise<void> {
    this.#running?.child.kill('SIGKILL');
    await this.#running?.ended;
  }
}
