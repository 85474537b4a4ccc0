import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bindError, clearStaleSocket } from '../../src/support/bind.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-bind-'));
});

afterEach(() => rm(folder, { recursive: true }));

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Leaves a socket file that nobody listens on, as a process that is killed does. */
async function abandon(path: string): Promise<void> {
  const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`;
  const child = spawn(process.execPath, ['--eval', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('clearStaleSocket', () => {
  it('removes a socket file whose process is gone', async () => {
    const path = join(folder, 'stale.sock');
    await abandon(path);
    expect(await exists(path)).toBe(true);
    await clearStaleSocket(path);
    expect(await exists(path)).toBe(false);
  });

  it('leaves a socket alone that is in use', async () => {
    const path = join(folder, 'used.sock');
    const server: Server = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await clearStaleSocket(path);
    expect(await exists(path)).toBe(true);
    // This ends only when the connection that was made to find out has ended too.
    await new Promise((resolve) => server.close(resolve));
  });

  it('leaves any other file alone, and does not mind when there is none', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'precious');
    await clearStaleSocket(path);
    expect(await exists(path)).toBe(true);
    await clearStaleSocket(folder);
    expect(await exists(folder)).toBe(true);
    await clearStaleSocket(join(folder, 'nothing'));
    expect(await exists(join(folder, 'nothing'))).toBe(false);
  });
});

describe('bindError', () => {
  it.each([
    ['EADDRINUSE', 'another process listens there'],
    ['EADDRNOTAVAIL', 'this machine has no such address'],
    ['EACCES', 'this user may not listen there'],
    ['ENOENT', 'there is no such directory'],
    ['ENOTFOUND', 'that name has no address'],
    ['EOTHER', 'listen EOTHER'],
    [undefined, 'listen undefined'],
  ])('says what %s means', (code, reason) => {
    const cause = Object.assign(new Error(`listen ${code}`), code === undefined ? {} : { code });
    const error = bindError('the admin server', '127.0.0.1:9900', cause);
    expect(error.message).toBe(`the admin server cannot listen on 127.0.0.1:9900: ${reason}`);
    expect(error.cause).toBe(cause);
  });

  /** Why the system does not listen there. */
  const reasonFor = async (path: string) => {
    const server = createServer().listen(path);
    const [cause] = await once(server, 'error');
    return bindError('it', `unix:${path}`, cause).message.replace(`it cannot listen on unix:${path}: `, '');
  };

  it('says what keeps a Unix socket from being there', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'precious');
    await symlink(join(folder, 'nothing'), join(folder, 'link'));
    expect(await reasonFor(join(folder, 'nothing', 'a.sock'))).toBe('there is no such directory');
    expect(await reasonFor(join(path, 'a.sock'))).toBe('there is no such directory');
    for (const there of [path, folder, join(folder, 'link')])
      expect(await reasonFor(there)).toBe('a file that is no socket is there');
    const used = createServer().listen(join(folder, 'used.sock'));
    await once(used, 'listening');
    expect(await reasonFor(join(folder, 'used.sock'))).toBe('another process listens there');
    used.close();
    const denied = Object.assign(new Error(), { code: 'EACCES' });
    for (const name of ['a.sock', `${'x'.repeat(300)}/a.sock`])
      expect(bindError('it', `unix:${join(folder, name)}`, denied).message).toContain('this user may not listen there');
    const gone = Object.assign(new Error(), { code: 'EADDRINUSE' });
    expect(bindError('it', `unix:${folder}/gone`, gone).message).toContain('another process listens there');
  });
});
