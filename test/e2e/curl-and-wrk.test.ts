import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type NamedBackend, startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { startPeer } from '../support/tcp-peer.ts';

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-e2e-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(closeOpened);

/** Runs `fairlead run` on a file, as a user would, and reads the addresses it prints. */
async function run(config: object) {
  const file = join(folder, 'fairlead.json');
  await writeFile(file, JSON.stringify(config));
  const child = spawn(process.execPath, [main, 'run', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  remember({ close: () => child.kill('SIGKILL') });
  let printed = '';
  let logged = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    logged += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (printed.includes('admin')) resolve();
    });
    child.once('exit', () => reject(new Error(`it ended: ${printed}${logged}`)));
  });
  const port = (listener: string): string => new RegExp(`${listener}.*?:(\\d+)`).exec(printed)![1]!;
  return { child, exited, file, port, logged: () => logged };
}

function configFor(backends: readonly string[]) {
  return {
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
    listeners: {
      web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'apps' },
      plain: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'apps' },
    },
    pools: { apps: { backends } },
  };
}

/** Runs a real client while this process goes on serving. */
async function client(command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const [code] = await once(child, 'close');
  expect(code, `${command} ${args.join(' ')}`).toBe(0);
  return out;
}

const named = async (): Promise<NamedBackend[]> =>
  Promise.all(['one', 'two', 'three'].map(async (name) => remember(await startNamed(name))));

describe('curl', () => {
  it('gets answers of all backends through both layers, with HTTP/1.1, HTTP/1.0 and HEAD', async () => {
    const fairlead = await run(configFor((await named()).map(({ address }) => address)));
    for (const listener of ['web', 'plain']) {
      const url = `http://127.0.0.1:${fairlead.port(listener)}/`;
      const bodies = [];
      for (let i = 0; i < 3; i++) bodies.push(await client('curl', '-sS', '-m', '5', url));
      expect(bodies.toSorted()).toEqual(['one', 'three', 'two']);
      expect(await client('curl', '-sS', '-m', '5', '--http1.0', url)).toMatch(/^(one|two|three)$/);
      expect(await client('curl', '-sSI', '-m', '5', url)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    }
  });

  it('uploads a large body and half-closes nothing it should not', async () => {
    const peer = await startPeer((socket) => {
      let head = '';
      let bytes = 0;
      socket.on('data', (data) => {
        bytes += data.length;
        head = head.length < 2000 ? head + data.toString('latin1') : head;
        const start = head.indexOf('\r\n\r\n') + 4;
        if (bytes === data.length && head.includes('100-continue')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        if (bytes - start === 3_000_000) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone`);
      });
    });
    const fairlead = await run(configFor([peer.address]));
    const file = join(folder, 'body');
    await writeFile(file, Buffer.alloc(3_000_000, 'x'));
    const url = `http://127.0.0.1:${fairlead.port('web')}/`;
    expect(
      await client('curl', '-sS', '-m', '10', '--data-binary', `@${file}`, '-H', 'Expect: 100-continue', url),
    ).toBe('done');
  });
});

describe('wrk', () => {
  it('sees no error while the config is reloaded again and again, and the drain ends with exit code 0', async () => {
    const backends = await named();
    const config = configFor(backends.map(({ address }) => address));
    const fairlead = await run(config);
    const load = client('wrk', '-t1', '-c16', '-d3s', `http://127.0.0.1:${fairlead.port('web')}/`);
    for (let i = 0; i < 10; i++) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      const weighted = backends.map(({ address }, n) => ({ address, weight: 1 + ((i + n) % 3) }));
      await writeFile(fairlead.file, JSON.stringify({ ...config, pools: { apps: { backends: weighted } } }));
      fairlead.child.kill('SIGHUP');
    }
    const out = await load;
    expect(out).not.toMatch(/Socket errors|Non-2xx/);
    expect(fairlead.logged()).toContain('config reloaded');
    fairlead.child.kill('SIGTERM');
    expect(await fairlead.exited).toEqual([0, null]);
  });
});

describe('the tools of this suite', () => {
  it.each(['curl', 'wrk'])('%s is installed', (tool) => {
    expect(spawnSync(tool, ['--version']).error).toBeUndefined();
  });
});
