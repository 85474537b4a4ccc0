import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { CliProcess } from './cli-process.ts';

let cli: CliProcess | undefined;
afterEach(async () => {
  cli?.kill('SIGKILL');
  await cli?.code();
});

/** Starts the demo and reads the addresses and the backends off its banner. */
async function start() {
  const started = new CliProcess(['demo']);
  cli = started;
  await started.until('stdout', /Ctrl-C ends/);
  const find = (pattern: RegExp) => pattern.exec(started.stdout)![1]!;
  const backends = [...started.stdout.matchAll(/^ {2}(app-\d) +127\.0\.0\.1:(\d+) +pid (\d+)$/gm)];
  return {
    cli: started,
    http: find(/^ {2}L7 http +(\S+)/m),
    tcp: `http://${find(/^ {2}L4 tcp +(\S+)/m)}/`,
    metrics: find(/^ {2}metrics +(\S+)/m),
    pids: backends.map(([, , , pid]) => Number(pid)),
    backends,
  };
}

const ask = async (url: string) => (await fetch(url, { headers: { connection: 'close' } })).text();
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('fairlead demo', () => {
  it('balances over three backends on both layers, and ends them all on Ctrl-C', async () => {
    const { cli, http, tcp, metrics, pids, backends } = await start();
    expect(backends.map(([, name]) => name)).toEqual(['app-1', 'app-2', 'app-3']);
    for (const url of [http, tcp]) {
      const names: string[] = [];
      for (let n = 0; n < 6; n++) names.push((await ask(url)).slice(0, 5));
      expect(names.sort()).toEqual(['app-1', 'app-1', 'app-2', 'app-2', 'app-3', 'app-3']);
    }
    expect(await ask(metrics)).toContain('fairlead_backend_up{pool="apps",backend="app-2"} 1');
    cli.kill('SIGINT');
    expect(await cli.code()).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('goes on without a backend that is killed, and with it once it is back', async () => {
    const { cli, http, pids } = await start();
    process.kill(pids[1]!, 'SIGKILL');
    for (let n = 0; n < 6; n++) expect(await ask(http)).toMatch(/^app-[13] /);
    await cli.until('stdout', /app-2 on 127\.0\.0\.1:\d+ ended; it starts again in 5 s/);
    const [, pid] = await cli.until('stdout', /app-2 on 127\.0\.0\.1:\d+ is back, pid (\d+)/);
    await expect.poll(() => ask(http), { timeout: 10_000 }).toContain(`app-2 (pid ${pid})`);
  });

  it('leaves no backend behind when it is killed itself', async () => {
    const { cli, backends } = await start();
    cli.kill('SIGKILL');
    expect(await cli.code()).toBe('SIGKILL');
    // By their ports: an orphan that has ended keeps its pid until the first process of the machine takes note.
    for (const [, , port] of backends) {
      const answers = () => ask(`http://127.0.0.1:${port}/`).then(Boolean, () => false);
      await expect.poll(answers, { timeout: 5_000 }).toBe(false);
    }
  });

  it('takes other ports where its own are taken', async () => {
    const taken = [8080, 8081, 9900, 3001];
    const owners = taken.map((port) => createServer().listen(port, '127.0.0.1'));
    // One that cannot listen does not have to: somebody else has that port.
    await Promise.all(owners.map((owner) => once(owner, 'listening').catch(() => undefined)));
    const { http, tcp, metrics, backends } = await start();
    const ports = [http, tcp, metrics].map((url) => Number(new URL(url).port));
    expect([...ports, Number(backends[0]![2])].filter((port) => taken.includes(port))).toEqual([]);
    expect(await ask(http)).toMatch(/^app-/);
    for (const owner of owners) owner.close();
  });
});
