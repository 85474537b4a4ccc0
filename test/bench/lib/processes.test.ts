import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { freePorts, portsReady } from '../../../bench/lib/ports.ts';
import { commandLine, ProcessGroup, type ProcessSpec, searchPath } from '../../../bench/lib/processes.ts';

let group = new ProcessGroup(300);
afterEach(async () => {
  await group.close();
  group = new ProcessGroup(300);
});

function node(script: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return { name: 'script', command: process.execPath, args: ['-e', script], ...more };
}

// A process whose parent has gone may stay as a zombie until somebody collects it; it runs no more.
function exists(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

const FOREVER = 'setInterval(() => {}, 1e6); console.log("up");';

describe('commandLine', () => {
  it('pins with taskset when a core is given', () => {
    const spec = { name: 'x', command: 'wrk', args: ['-c', '1'] };
    expect(commandLine(spec)).toEqual(['wrk', ['-c', '1']]);
    expect(commandLine({ ...spec, core: 0 })).toEqual(['taskset', ['-c', '0', 'wrk', '-c', '1']]);
  });

  it('lets others go first when told to, pinned or not', () => {
    const spec = { name: 'x', command: 'wrk', args: ['-c', '1'], yielding: true };
    expect(commandLine(spec)).toEqual(['chrt', ['--idle', '0', 'wrk', '-c', '1']]);
    expect(commandLine({ ...spec, core: 1 })[1]).toEqual(['-c', '1', 'chrt', '--idle', '0', 'wrk', '-c', '1']);
  });

  it('looks where an ordinary PATH does not', () => expect(searchPath()).toMatch(/:\/usr\/sbin:\/sbin$/));
});

describe.skipIf(process.platform !== 'linux')('ProcessGroup', () => {
  it('runs a process to its end and gives what it printed', async () => {
    expect(await group.run(node('console.log(process.env.WORD)', { env: { WORD: 'hi' } }))).toBe('hi\n');
  });

  it('rejects with the output when the process fails, or cannot be started at all', async () => {
    const failing = group.run(node('console.error("broken"); process.exit(3)'));
    await expect(failing).rejects.toThrow('script ended with 3\nbroken\n');
    await expect(group.run({ name: 'ghost', command: '/no/such/thing', args: [] })).rejects.toThrow(/^ghost: .*ENOENT/);
    await expect(group.run(node('process.kill(process.pid, "SIGKILL")'))).rejects.toThrow('script ended with SIGKILL');
  });

  it('keeps the end of a long output only', async () => {
    const output = await group.run(node('process.stdout.write("x".repeat(20000) + "end")'));
    expect(output).toHaveLength(8192);
    expect(output.endsWith('xend')).toBe(true);
  });

  it('ends a process and the children it started', async () => {
    const script = `const c = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
      console.log(c.pid); ${FOREVER}`;
    const running = await group.start(node(script));
    await expect.poll(() => running.output()).toContain('up');
    const grandchild = Number(running.output().split('\n')[0]);
    expect(running.alive()).toBe(true);
    await group.stop(running);
    expect(running.alive()).toBe(false);
    expect(await running.ended).toBe('SIGTERM');
    await expect.poll(() => exists(grandchild)).toBe(false);
    await group.stop(running);
  });

  it('ends the children of a process that has ended before them', async () => {
    const script = `const c = require('node:child_process').spawn(process.execPath,
      ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6); console.log("up")'], { stdio: 'inherit' });
      console.log(c.pid); setTimeout(() => process.exit(0), 200);`;
    const running = await group.start(node(script));
    await expect.poll(() => running.alive()).toBe(false);
    await expect.poll(() => running.output()).toContain('up');
    const grandchild = Number(running.output().split('\n')[0]);
    expect(exists(grandchild)).toBe(true);
    await group.stop(running);
    await expect.poll(() => exists(grandchild)).toBe(false);
  });

  it('kills a process that does not leave', async () => {
    const running = await group.start(node(`process.on('SIGTERM', () => {}); ${FOREVER}`));
    await expect.poll(() => running.output()).toContain('up');
    await group.stop(running);
    expect(await running.ended).toBe('SIGKILL');
  });

  it('ends everything and removes its folders on close, and lets go of the signals', async () => {
    const listeners = process.listenerCount('SIGINT');
    const own = new ProcessGroup();
    expect(process.listenerCount('SIGINT')).toBe(listeners + 1);
    const [one, two] = [await own.start(node(FOREVER)), await own.start(node(FOREVER))];
    const folder = own.directory();
    writeFileSync(`${folder}/file`, 'x');
    await own.close();
    expect([one.alive(), two.alive(), existsSync(folder)]).toEqual([false, false, false]);
    expect(process.listenerCount('SIGINT')).toBe(listeners);
  });

  it('speaks over IPC when asked to', async () => {
    const running = await group.start(node('process.once("message", (m) => process.send(m + 1))', { ipc: true }));
    running.child.send(41);
    expect(await once(running.child, 'message')).toContain(42);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'leaves nothing behind when the run itself is ended by %s',
    async (signal) => {
      const module = fileURLToPath(new URL('../../../bench/lib/processes.ts', import.meta.url));
      const script = `import { ProcessGroup } from ${JSON.stringify(module)};
      const group = new ProcessGroup();
      const folder = group.directory();
      const child = await group.start({ name: 'x', command: process.execPath, args: ['-e', ${JSON.stringify(FOREVER)}] });
      console.log(child.pid, folder);`;
      const outer = spawn(process.execPath, ['--input-type=module-typescript', '-e', script]);
      const [line] = await once(outer.stdout, 'data');
      const [pid, folder] = String(line).trim().split(' ') as [string, string];
      expect([exists(Number(pid)), existsSync(folder)]).toEqual([true, true]);
      outer.kill(signal);
      const [code] = await once(outer, 'exit');
      expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
      await expect.poll(() => exists(Number(pid))).toBe(false);
      expect(existsSync(folder)).toBe(false);
    },
  );
});

describe('ports', () => {
  it('gives as many different free ports as asked for', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    for (const port of ports) expect(port).toBeGreaterThan(1023);
  });

  it('waits until every port accepts, even one that opens late', async () => {
    const [first, second] = (await freePorts(2)) as [number, number];
    const script = `const net = require('node:net'); net.createServer().listen(${first}, '127.0.0.1');
      setTimeout(() => { console.log('late'); net.createServer().listen(${second}, '127.0.0.1'); }, 100);`;
    const running = await group.start(node(script));
    await portsReady(running, [first, second]);
    expect(running.output()).toBe('late\n');
  });

  it('rejects with the output of a process that ends instead', async () => {
    const running = await group.start(node('console.error("bad config"); process.exit(1)'));
    await expect(portsReady(running, await freePorts(1))).rejects.toThrow('script: ended while starting\nbad config');
  });
});
