import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigInput } from '../../src/config/schema.ts';
import { CliProcess } from '../cli/cli-process.ts';
import { remember } from './opened.ts';
import { run } from './servers.ts';

/** Namespaces take root; in CI, where there is root, a tool that is missing is a failure. */
export const isRoot = process.getuid?.() === 0;

/** A network namespace of this test alone, with nothing in it but a loopback interface. */
export class Namespace {
  readonly name = `fairlead-${process.pid}-${Date.now() % 100_000}`;

  constructor() {
    execFileSync('ip', ['netns', 'add', this.name]);
    remember({ close: () => execFileSync('ip', ['netns', 'del', this.name]) });
    execFileSync('ip', ['-n', this.name, 'link', 'set', 'lo', 'up']);
  }

  /** Gives its loopback interface another address, as `10.9.0.1/24`. */
  addAddress(address: string): void {
    const options = address.includes(':') ? ['nodad'] : [];
    execFileSync('ip', ['-n', this.name, 'address', 'add', address, 'dev', 'lo', ...options]);
  }

  /** Runs a program in it to its end. */
  run(command: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    return run('ip', ['netns', 'exec', this.name, command, ...args]);
  }

  /** Starts Fairlead in it, with one worker and without an admin server, and waits until all listeners are there. */
  async runFairlead(config: ConfigInput): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-namespace-'));
    remember({ close: () => rmSync(folder, { recursive: true }) });
    const path = join(folder, 'fairlead.json');
    writeFileSync(path, JSON.stringify({ workers: 1, admin: false, ...config }));
    const lb = new CliProcess(['run', path], { under: ['ip', 'netns', 'exec', this.name] });
    remember({
      async close() {
        lb.kill('SIGKILL');
        await lb.code();
      },
    });
    for (const name of Object.keys(config.listeners)) await lb.until('stdout', new RegExp(`^listening ${name} `, 'm'));
  }

  /** Starts a program in it, with all that it has written. */
  start(command: string, args: readonly string[]): { child: ChildProcess; output: () => string } {
    const child = spawn('ip', ['netns', 'exec', this.name, command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const ended = once(child, 'close');
    remember({
      async close() {
        child.kill('SIGKILL');
        await ended;
      },
    });
    return { child, output: () => output };
  }
}
