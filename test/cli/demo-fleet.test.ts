import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type DemoBackend, DemoFleet, type FleetOptions } from '../../src/cli/demo-fleet.ts';

let fleet: DemoFleet | undefined;
afterEach(() => fleet?.stop());

/** A fleet on free ports, with a promise for its next change. */
async function start(options: Partial<FleetOptions> = {}) {
  const changes: DemoBackend[] = [];
  const waiting: ((backend: DemoBackend) => void)[] = [];
  const onChange = (backend: DemoBackend) => {
    const resolve = waiting.shift();
    if (resolve) resolve(backend);
    else changes.push(backend);
  };
  fleet = await DemoFleet.start({ names: ['app-1', 'app-2'], ports: [], restartMs: 20, onChange, ...options });
  const nextChange = async () => changes.shift() ?? new Promise<DemoBackend>((resolve) => waiting.push(resolve));
  return { fleet, nextChange };
}

const ask = async (port: number, path = '/') => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('DemoFleet', () => {
  it('starts backends that say who they are and count their answers', async () => {
    const { fleet } = await start();
    const [first, second] = fleet.backends;
    expect(await ask(first!.port)).toBe(`app-1 (pid ${first!.pid}): GET /, answer 1\n`);
    expect(await ask(first!.port, '/healthz')).toBe('ok\n');
    expect(await ask(first!.port, '/a?b')).toBe(`app-1 (pid ${first!.pid}): GET /a?b, answer 2\n`);
    expect(await ask(second!.port)).toBe(`app-2 (pid ${second!.pid}): GET /, answer 1\n`);
  });

  it('takes the ports it is given where they are free, and others where not', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    const free = createServer().listen(0, '127.0.0.1');
    await Promise.all([once(taken, 'listening'), once(free, 'listening')]);
    const ports = [taken, free].map((server) => (server.address() as AddressInfo).port);
    free.close();
    const { fleet } = await start({ ports });
    taken.close();
    const [first, second] = fleet.backends.map(({ port }) => port);
    expect(first).not.toBe(ports[0]);
    expect(await ask(first!)).toContain('app-1');
    expect(second).toBe(ports[1]);
  });

  it('starts a backend that was killed again, on the same port', async () => {
    const { fleet, nextChange } = await start();
    const { port, pid } = fleet.backends[1]!;
    process.kill(pid!, 'SIGKILL');
    expect(await nextChange()).toEqual({ name: 'app-2', port, pid: undefined });
    const back = await nextChange();
    expect(back).toEqual({ name: 'app-2', port, pid: expect.any(Number) });
    expect(back.pid).not.toBe(pid);
    expect(fleet.backends[1]).toEqual(back);
    expect(await ask(port)).toContain(`pid ${back.pid}`);
  });

  it('tries again when the port is taken meanwhile', async () => {
    const { fleet, nextChange } = await start({ restartMs: 300 });
    const { port, pid } = fleet.backends[0]!;
    process.kill(pid!, 'SIGKILL');
    await nextChange();
    const thief = createServer().listen(port, '127.0.0.1');
    await once(thief, 'listening');
    setTimeout(() => thief.close(), 500);
    const back = await nextChange();
    expect(back).toMatchObject({ name: 'app-1', port, pid: expect.any(Number) });
    expect(await ask(port)).toContain('app-1');
  });

  it('leaves no process behind when it stops, and does not call that a change', async () => {
    const changes: DemoBackend[] = [];
    const { fleet } = await start({ onChange: (backend) => changes.push(backend) });
    const pids = fleet.backends.map(({ pid }) => pid!);
    await fleet.stop();
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(fleet.backends.map(({ pid }) => pid)).toEqual([undefined, undefined]);
    expect(changes).toEqual([]);
  });

  it('starts nothing again once it was told to stop', async () => {
    const { fleet, nextChange } = await start({ names: ['app-1'], restartMs: 1 });
    process.kill(fleet.backends[0]!.pid!, 'SIGKILL');
    await nextChange();
    await fleet.stop();
    await new Promise((done) => setTimeout(done, 20));
    expect(fleet.backends[0]!.pid).toBeUndefined();
  });

  it('ignores Ctrl-C, which reaches the whole group, until it is told', async () => {
    const { fleet } = await start({ names: ['app-1'] });
    const { pid, port } = fleet.backends[0]!;
    process.kill(pid!, 'SIGINT');
    expect(await ask(port)).toContain(`pid ${pid}`);
    expect(isAlive(pid!)).toBe(true);
  });
});
