import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/kept-ports.ts';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { has, run, startServer, userIds } from '../support/servers.ts';

const RELOADS = 20;
/** The servers of this file take a few seconds to start. */
const LONG_MS = 120_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-storage-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(closeOpened);

/** One tcp listener before one server; each `round` is another config: another weight, another limit, another listener beside it. */
function configOf(port: number, round = 0) {
  const beside = { protocol: 'tcp' as const, bind: '127.0.0.1:0', pool: 'store' };
  return {
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
    listeners: {
      store: { ...beside, limits: { connections: 1000 + round } },
      ...(round % 2 === 0 ? {} : { [`beside-${round}`]: beside }),
    },
    pools: { store: { backends: [{ name: 'one', address: `127.0.0.1:${port}`, weight: 1 + round }] } },
  };
}

/** Repeats some work until the config was reloaded often enough meanwhile; says how often the work was done. */
async function throughReloads(lb: RunningFairlead, port: number, work: () => Promise<void>): Promise<number> {
  let reloads = 0;
  let times = 0;
  const reloading = (async () => {
    for (; reloads < RELOADS; reloads++) await lb.reloadWith(configOf(port, reloads + 1));
  })();
  do {
    await work();
    times++;
  } while (reloads < RELOADS);
  await reloading;
  expect(lb.generation).toBe(1 + RELOADS);
  return times;
}

/** A client that is asked by its standard input and stays connected. */
function talk(command: string, args: readonly string[]): { child: ChildProcess; ask(line: string): Promise<string> } {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  remember({ close: () => child.kill('SIGKILL') });
  const ask = async (line: string) => {
    child.stdin!.write(`${line}\n`);
    return String((await once(child.stdout!, 'data'))[0]).trim();
  };
  return { child, ask };
}

const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
const postgresBin = versions.length > 0 ? `/usr/lib/postgresql/${versions.at(-1)}/bin` : '';

async function startPostgres(port: number): Promise<void> {
  const data = join(folder, 'postgres');
  await mkdir(data);
  const as = userIds('postgres');
  if (as !== undefined) {
    chownSync(folder, as.uid, as.gid);
    chownSync(data, as.uid, as.gid);
  }
  const made = ['--pgdata', data, '--auth', 'trust', '--username', 'test', '--no-sync', '--no-locale'];
  await run(`${postgresBin}/initdb`, [...made, '--encoding', 'UTF8'], { ...as, cwd: folder });
  const settings = ['fsync=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${data}`];
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  // SIGINT is its fast shutdown: it ends its children, and takes no connection down with it unfinished.
  await startServer(`${postgresBin}/postgres`, args, port, { as, endWith: 'SIGINT' });
}

describe.skipIf(skipsWithout(postgresBin !== '' && has('psql', 'pgbench')))('PostgreSQL', () => {
  it(
    'serves psql and pgbench through twenty reloads without an error',
    async () => {
      const port = await freePort();
      await startPostgres(port);
      const lb = await runFairlead(configOf(port));
      const to = ['-h', '127.0.0.1', '-p', lb.address('store').split(':')[1]!, '-U', 'test'];
      await run('pgbench', [...to, '--initialize', '--quiet', '--scale', '1', 'postgres']);
      const session = talk('psql', [...to, '--no-psqlrc', '--tuples-only', '--no-align', 'postgres']);
      const pid = await session.ask('select pg_backend_pid();');
      const bench = async (...how: string[]) => {
        const { stdout } = await run('pgbench', [...to, '--client', '6', '--no-vacuum', ...how, 'postgres']);
        expect(stdout).toMatch(/number of failed transactions: 0 /);
      };
      await throughReloads(lb, port, async () => {
        await bench('--transactions', '40');
        await bench('--transactions', '5', '--connect');
        await bench('--transactions', '40', '--select-only', '--protocol', 'prepared');
      });
      // One connection has lived through all of them.
      expect(await session.ask('select pg_backend_pid();')).toBe(pid);
      expect(await session.ask('select count(*) > 0 from pgbench_history;')).toBe('t');
      session.child.stdin!.end();
      await once(session.child, 'close');
      expect(await metric(lb, 'backend_failures_total')).toBe(0);
    },
    LONG_MS,
  );
});

describe.skipIf(skipsWithout(has('redis-server', 'redis-cli', 'redis-benchmark')))('Redis', () => {
  it(
    'serves redis-cli, a pipeline and redis-benchmark through twenty reloads without an error',
    async () => {
      const port = await freePort();
      const quiet = ['--save', '', '--appendonly', 'no', '--dir', folder, '--bind', '127.0.0.1'];
      await startServer('redis-server', ['--port', String(port), ...quiet], port);
      const lb = await runFairlead(configOf(port));
      const to = ['-h', '127.0.0.1', '-p', lb.address('store').split(':')[1]!];
      const session = talk('redis-cli', to);
      const id = await session.ask('client id');
      await throughReloads(lb, port, async () => {
        const { stdout, stderr } = await run('redis-benchmark', [
          ...to,
          '-q',
          '-n',
          '4000',
          '-c',
          '20',
          '-t',
          'set,get',
        ]);
        expect(stdout).toMatch(/GET: [\d.]+ requests per second/);
        expect(stderr).toBe('');
        await run('redis-benchmark', [...to, '-q', '-n', '8000', '-P', '16', '-t', 'set,lrange_100']);
        await run('redis-benchmark', [...to, '-q', '-n', '200', '-k', '0', '-t', 'ping']);
      });
      expect(await session.ask('client id')).toBe(id);
      session.child.stdin!.end();
      await once(session.child, 'close');

      const pipe = spawn('redis-cli', [...to, '--pipe'], { stdio: ['pipe', 'pipe', 'inherit'] });
      for (let i = 0; i < 20_000; i++) pipe.stdin.write(`SET key:${i} value:${i}\r\n`);
      pipe.stdin.end();
      let said = '';
      for await (const chunk of pipe.stdout) said += chunk;
      expect(said).toContain('errors: 0, replies: 20000');
      expect((await run('redis-cli', [...to, 'get', 'key:19999'])).stdout.trim()).toBe('value:19999');
      await eventually(async () => (await metric(lb, 'connections_active', { listener: 'store' })) === 0, 'the end');
      expect(await metric(lb, 'backend_failures_total')).toBe(0);
    },
    LONG_MS,
  );
});

describe.skipIf(skipsWithout(has('rsync')))('rsync', () => {
  it(
    'copies files both ways, byte for byte',
    async () => {
      const [shared, local, back] = ['shared', 'local', 'back'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      for (const each of [shared, local, back]) await mkdir(each);
      const port = await freePort();
      const file = join(folder, 'rsyncd.conf');
      const whom = process.getuid?.() === 0 ? 'uid = root\ngid = root\n' : '';
      await writeFile(file, `use chroot = no\n${whom}[files]\npath = ${shared}\nread only = no\n`);
      const place = ['--address=127.0.0.1', `--port=${port}`];
      await startServer('rsync', ['--daemon', '--no-detach', `--config=${file}`, ...place], port);
      const lb = await runFairlead(configOf(port));
      const large = randomBytes(24 * 1024 * 1024);
      await writeFile(join(local, 'large'), large);
      for (let i = 0; i < 200; i++) await writeFile(join(local, `small-${i}`), `file ${i}\n`);
      const remote = `rsync://${lb.address('store')}/files/`;
      await run('rsync', ['--archive', `${local}/`, remote]);
      expect((await readFile(join(shared, 'large'))).equals(large)).toBe(true);
      // The second time only what has changed goes over.
      large.fill('changed', 1000, 2000);
      await writeFile(join(local, 'large'), large);
      await run('rsync', ['--archive', '--checksum', `${local}/`, remote]);
      await run('rsync', ['--archive', '--compress', remote, `${back}/`]);
      expect((await readFile(join(back, 'large'))).equals(large)).toBe(true);
      expect(await readFile(join(back, 'small-199'), 'utf8')).toBe('file 199\n');
      expect(readdirSync(back)).toHaveLength(201);
    },
    LONG_MS,
  );
});
