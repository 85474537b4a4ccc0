import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Inspector, inspectorUrl } from '../../bench/lib/inspector.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { CliProcess } from '../cli/cli-process.ts';
import { ioUringSetting } from './io-uring-setting.ts';
import { remember } from './opened.ts';
import { scrape, sumOf } from './scrape.ts';

/** An instance in a process of its own, whose memory holds nothing of the test. */
export interface ApartFairlead {
  readonly pid: number;
  /** The address of the listener `web`, as `host:port`. */
  readonly address: string;
  readonly adminAddresses: readonly string[];
  /** What it has logged. */
  log(): string;
  /**
   * The resident memory of the process, in bytes, without what nobody holds: with node:http2 there were up to 42 MB of frames
   * that V8 had not looked for yet, and up to 54 MB that were free and that malloc had not given back.
   */
  residentBytes(): Promise<number>;
  close(): Promise<void>;
}

/** Starts `fairlead run` with one worker on a config that has a listener `web`; it may open `files` files, if that is said. */
export async function runApart(config: ConfigInput, files?: number): Promise<ApartFairlead> {
  const folder = await mkdtemp(join(tmpdir(), 'fairlead-apart-'));
  const path = join(folder, 'fairlead.json');
  const small = { workers: 1, watch: false, admin: { bind: '127.0.0.1:0' }, ioUring: ioUringSetting };
  await writeFile(path, JSON.stringify({ ...small, ...config }));
  const cli = new CliProcess(['run', path], {
    under: files === undefined ? [] : ['prlimit', `--nofile=${files}:${files}`],
    env: { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' },
  });
  const instance = remember({
    pid: cli.pid,
    address: '',
    adminAddresses: [] as string[],
    log: () => cli.stderr,
    async residentBytes() {
      await giveBack(cli);
      return sumOf(await scrape(instance), 'process_resident_memory_bytes');
    },
    async close() {
      cli.kill('SIGKILL');
      await cli.code();
      await rm(folder, { recursive: true, force: true });
    },
  });
  instance.address = (await cli.until('stdout', /^listening web (?:https?|tcp|tls|udp):\/\/(\S+)$/m))[1]!;
  instance.adminAddresses = [(await cli.until('stdout', /^listening admin http:\/\/(\S+)$/m))[1]!];
  return instance;
}

/** Has libc give back what is free. */
const TRIM = `new (process.getBuiltinModule('node:ffi').DynamicLibrary)(null)
  .getFunction('malloc_trim', { arguments: ['uint64'], return: 'int32' })(0n)`;

/** Has every thread of a process collect all that there is to collect, and the system have all that is free. */
async function giveBack(cli: CliProcess): Promise<void> {
  // Node opens its inspector on that; once it is open, nothing more comes of it.
  cli.kill('SIGUSR1');
  await cli.until('stderr', /Debugger listening on ws:/);
  const inspector = await Inspector.connect(inspectorUrl(cli.stderr));
  await inspector.collect();
  const [trimmed] = await inspector.evaluate(TRIM);
  if (typeof trimmed !== 'number') throw new Error('malloc_trim could not be called');
  inspector.close();
}
