import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, type RecordingBackend, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { fakeIo } from './fake-io.ts';

let lb: RunningFairlead;
let slow: RecordingBackend;
beforeAll(async () => {
  slow = await startBackend(({ startLine }, { socket }) => {
    if (!startLine.includes('/slow')) return answerText('slow');
    socket.once('pause', () => socket.write(answerText('late')));
    return undefined;
  });
  const other = await startBackend(answerText('other'));
  const backends = [{ name: 'slow', address: slow.address }, other.address, '[::1]:3001', 'unix:/run/a/b.sock'];
  lb = await runFairlead({ ...webConfig(backends), admin: { bind: '127.0.0.1:0' } });
});
afterAll(closeOpened);

async function run(...args: string[]) {
  const io = fakeIo();
  const code = await main([...args, '--admin', lb.adminAddresses[0]!], io);
  return { code, stdout: io.stdout.text(), stderr: io.stderr.text() };
}

async function backendOf(id: string) {
  const answer = await fetch(`http://${lb.adminAddresses[0]}/api/pools/web`);
  const { backends } = (await answer.json()) as { backends: { id: string; state: string; weight: number }[] };
  return backends.find((backend) => backend.id === id);
}

describe('a backend', () => {
  it.each(['slow', '[::1]:3001', 'unix:/run/a/b.sock'])('%s is drained, disabled, weighed and enabled', async (id) => {
    const done = (stdout: string) => ({ code: 0, stdout, stderr: '' });
    expect(await run('drain', `web/${id}`)).toEqual(done(`web/${id} is draining, nothing is left\n`));
    expect(await backendOf(id)).toMatchObject({ state: 'draining' });
    expect(await run('disable', `web/${id}`)).toEqual(done(`web/${id} is disabled\n`));
    expect(await backendOf(id)).toMatchObject({ state: 'disabled' });
    expect(await run('weight', `web/${id}`, '7')).toEqual(done(`web/${id} has weight 7\n`));
    expect(await backendOf(id)).toMatchObject({ weight: 7 });
    expect(await run('enable', `web/${id}`)).toEqual(done(`web/${id} is enabled\n`));
    expect(await backendOf(id)).toMatchObject({ state: 'enabled', weight: 7 });
  });

  it('is changed with --if-match only as long as nobody else has changed its pool', async () => {
    const { stdout } = await run('status', '--json');
    const { version } = (JSON.parse(stdout) as { pools: { version: string }[] }).pools[0]!;
    expect(await run('drain', 'web/slow', '--if-match', version)).toMatchObject({ code: 0 });
    for (const command of [
      ['enable', 'web/slow'],
      ['weight', 'web/slow', '9'],
      ['drain', 'web/slow'],
    ]) {
      const { code, stderr } = await run(...command, '--if-match', version);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("pool 'web' has changed since") });
    }
    expect(await run('enable', 'web/slow')).toMatchObject({ code: 0 });
    expect(await run('enable', 'web/slow', '--if-match', '"')).toMatchObject({ code: 2 });
  });

  it('may be named by its address too', async () => {
    expect((await run('weight', `web/${slow.address}`, '1')).stdout).toBe('web/slow has weight 1\n');
  });

  it.each([
    [['drain', 'wbe/slow'], 1, "there is no pool 'wbe'; did you mean 'web'?"],
    [['enable', 'web/slwo'], 1, "pool web has no backend 'slwo'; did you mean 'slow'?"],
    [['disable', 'web/nothing-like-it'], 1, expect.stringMatching(/^pool web has no backend .*; there is slow, 127/)],
    [['drain'], 2, 'which backend? POOL/BACKEND is missing, as in web/127.0.0.1:3001'],
    [['enable', 'slow'], 2, "'slow' is no backend, expected POOL/BACKEND, as in web/127.0.0.1:3001"],
    [['weight', 'web/slow'], 2, 'which weight? N is missing'],
    [['weight', 'web/slow', '1.5'], 2, "'1.5' is no whole number from 0 to 65535"],
    [['drain', 'web/slow', '--timeout', 'soon'], 2, "--timeout 'soon' is no time, expected one such as 90s or 5m"],
  ])('is refused in %j', async (args, code, problem) => {
    const found = await run(...args);
    expect(found).toMatchObject({ code, stdout: '' });
    expect(found.stderr.split('\n')[0]!.replace(`fairlead ${args[0]}: `, '')).toEqual(problem);
  });
});

describe('fairlead drain --wait', () => {
  /** A request that the slow backend has and does not answer until it is told to. */
  async function hold() {
    for (const id of ['[::1]:3001', 'unix:/run/a/b.sock']) await run('disable', `web/${id}`);
    await run('enable', 'web/slow');
    const client = await connectTo(lb.address());
    const had = slow.requests.length;
    const others = () => client.text.split('other').length - 1;
    for (let tries = 0; tries < 2 && slow.requests.length === had; tries++) {
      client.send(get('/slow'));
      await expect.poll(() => others() > tries || slow.requests.length > had).toBe(true);
    }
    return () => slow.connections.at(-1)!.socket.emit('pause');
  }

  it('shows what is left until nothing is', async () => {
    const release = await hold();
    const io = fakeIo();
    const done = main(['drain', 'web/slow', '--wait', '--admin', lb.adminAddresses[0]!], io);
    await expect.poll(() => io.stdout.text()).toBe('web/slow is draining, 1 lease left\n');
    release();
    expect(await done).toBe(0);
    expect(io.stdout.text()).toBe('web/slow is draining, 1 lease left\nweb/slow is draining, nothing is left\n');
  });

  it('does not take a backend for empty that somebody has enabled meanwhile', async () => {
    const release = await hold();
    const io = fakeIo();
    const done = main(['drain', 'web/slow', '--wait', '--admin', lb.adminAddresses[0]!], io);
    await expect.poll(() => io.stdout.text()).toBe('web/slow is draining, 1 lease left\n');
    await run('enable', 'web/slow');
    release();
    expect(await done).toBe(1);
    expect(io.stderr.text()).toBe('fairlead drain: web/slow was enabled while it drained\n');
  });

  it('gives up when its time is over, and when it is interrupted', async () => {
    const release = await hold();
    expect(await run('drain', 'web/slow', '-w', '--timeout', '100ms')).toEqual({
      code: 1,
      stdout: 'web/slow is draining, 1 lease left\n',
      stderr: '',
    });
    const io = fakeIo({ isTTY: true });
    const done = main(['drain', 'web/slow', '-w', '--admin', lb.adminAddresses[0]!], io);
    await expect.poll(() => io.stdout.text()).toMatch(/\rweb\/slow is draining, 1 lease left, 0s\u001b\[K/);
    io.signals.emit('SIGINT');
    expect(await done).toBe(130);
    expect(await backendOf('slow')).toMatchObject({ state: 'draining' });
    release();
  });
});
