import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliOptions, CliProcess, runCli } from './cli-process.ts';

/** How often a watched file is looked at. */
const POLL_MS = 500;

const app = createServer((request, response) => {
  if (request.url === '/slow') request.resume().on('end', () => response.end('done\n'));
  else response.end('hello\n');
});
let backend: string;
beforeAll(async () => {
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  backend = `127.0.0.1:${(app.address() as AddressInfo).port}`;
});
afterAll(() => app.close());

let folder: string;
let path: string;
let cli: CliProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-run-'));
  path = join(folder, 'fairlead.yaml');
});
afterEach(async () => {
  cli?.kill('SIGKILL');
  await cli?.code();
  await rm(folder, { recursive: true });
});

interface Shape {
  readonly bind?: string;
  readonly top?: string;
  readonly path?: string;
}

/** A config with one route that answers by itself at `path`, and the backend behind the rest. */
const config = ({ bind = '127.0.0.1:0', top = '', path = '/one' }: Shape = {}) => `
workers: 1
admin: { bind: "127.0.0.1:0" }
${top}
listeners:
  web:
    protocol: http
    bind: "${bind}"
    routes:
      - match: { path: ${path} }
        respond: { status: 200, body: "here\\n" }
      - pool: apps
pools:
  apps: { backends: [ "${backend}" ] }
`;

/** Starts an instance on the config and waits until it listens. */
async function start(text: string, options: CliOptions = {}): Promise<{ cli: CliProcess; web: string; admin: string }> {
  await writeFile(path, text);
  const started = new CliProcess(['run', path], options);
  cli = started;
  const [, web] = await started.until('stdout', /^listening web (http:\/\/127\.0\.0\.1:\d+)$/m);
  const [, admin] = await started.until('stdout', /^listening admin (http:\/\/127\.0\.0\.1:\d+)$/m);
  return { cli: started, web: web!, admin: admin! };
}

const ask = async (url: string) => (await fetch(url, { headers: { connection: 'close' } })).text();

describe('where io_uring cannot be had', () => {
  const forbidden = [
    process.execPath,
    '--no-warnings',
    fileURLToPath(import.meta.resolve('../support/forbid-io-uring.ts')),
  ];

  it.each([
    { where: 'Node has no node:ffi', env: { NODE_OPTIONS: '--no-experimental-ffi' }, why: 'this Node has no node:ffi' },
    {
      where: 'a container forbids it',
      env: { UV_USE_IO_URING: '0' },
      under: forbidden,
      why: 'operation not permitted',
    },
  ])('goes without, and says why, as $where', async ({ why, ...options }) => {
    const { cli, web } = await start(config(), options);
    await cli.until('stderr', new RegExp(`"level":"info".*"obstacle":"${why}".*io_uring cannot be had`));
    expect(await ask(`${web}/`)).toBe('hello\n');
  });

  it('warns when it was asked for', async () => {
    const { cli, web } = await start(config({ top: 'ioUring: true' }), {
      env: { NODE_OPTIONS: '--no-experimental-ffi' },
    });
    await cli.until('stderr', /"level":"warn".*io_uring cannot be had/);
    expect(await ask(`${web}/`)).toBe('hello\n');
  });
});

describe('fairlead run', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'serves at the addresses it prints, and ends with 0 on %s',
    async (signal) => {
      const { cli, web, admin } = await start(config());
      expect(await ask(`${web}/one`)).toBe('here\n');
      expect(await ask(`${web}/`)).toBe('hello\n');
      expect((await fetch(`${admin}/healthz`)).status).toBe(200);
      cli.kill(signal);
      expect(await cli.code()).toBe(0);
      expect(cli.stderr).toMatch(/"msg":"draining"/);
      for (const line of cli.stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
      expect(cli.stdout).toMatch(/^listening web \S+\nlistening admin \S+\n$/);
      await expect(ask(web)).rejects.toThrow();
    },
  );

  it('waits for a request that is under way, and ends at once on a second signal', async () => {
    const { cli, web } = await start(config());
    const socket = connect(Number(new URL(web).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na');
    await once(app, 'request');
    cli.kill('SIGTERM');
    await cli.until('stderr', /"msg":"draining"/);
    cli.kill('SIGINT');
    expect(await cli.code()).toBe(130);
    socket.destroy();
  });

  it('reloads on SIGHUP only, when the file is not to be watched, and watches from when it is', async () => {
    const { cli, web, admin } = await start(config({ top: 'watch: false' }));
    await writeFile(path, config({ top: 'watch: false', path: '/two' }));
    await new Promise((done) => setTimeout(done, 3 * POLL_MS));
    expect(await ask(`${web}/one`)).toBe('here\n');
    cli.kill('SIGHUP');
    await cli.until('stderr', /"generation":2/);
    const reload = async () => (await fetch(`${admin}/api/reload`, { method: 'POST' })).json();
    expect(await reload()).toEqual({ generation: 3, replaced: [] });
    await writeFile(path, config({ top: 'wachers: 1\nwatch: false', path: '/two' }));
    expect(await reload()).toMatchObject({
      error: 'config-refused',
      problems: [expect.stringMatching(/wachers: unknown/)],
    });
    expect(await ask(`${web}/two`)).toBe('here\n');
    expect(await ask(`${web}/one`)).toBe('hello\n');
    await writeFile(path, config({ path: '/three' }));
    cli.kill('SIGHUP');
    await cli.until('stderr', /"generation":4/);
    await writeFile(path, config({ top: 'watch: false', path: '/four' }));
    await cli.until('stderr', /"generation":5/);
    await writeFile(path, config({ path: '/five' }));
    await new Promise((done) => setTimeout(done, 3 * POLL_MS));
    expect(await ask(`${web}/four`)).toBe('here\n');
    expect(await ask(`${admin}/metrics`)).toContain('fairlead_config_generation 5');
  });

  it('reloads a file that changed, and keeps what is in force when the change is bad', async () => {
    const { cli, web, admin } = await start(config());
    await writeFile(path, config({ top: 'wachers: 1', path: '/two' }));
    await cli.until('stderr', /config not reloaded: 1 problem; the one in force stays/);
    expect(cli.stderr).toMatch(/fairlead\.yaml:\d+:\d+: wachers: /);
    expect(await ask(`${web}/one`)).toBe('here\n');
    expect(await ask(`${admin}/metrics`)).toContain('fairlead_config_reloads_total{result="rejected"} 1');
    expect(await ask(`${admin}/metrics`)).toContain('fairlead_config_last_reload_success 0');
    await writeFile(path, config());
    await cli.until('stderr', /"generation":2,"msg":"config reloaded"/);
    expect(await ask(`${admin}/metrics`)).toContain('fairlead_config_last_reload_success 1');
    await writeFile(path, config({ path: '/two' }));
    await cli.until('stderr', /"generation":3,"msg":"config reloaded"/);
    expect(await ask(`${web}/two`)).toBe('here\n');
    expect(await ask(`${web}/one`)).toBe('hello\n');
  });

  it('keeps what is in force when a change cannot be applied', async () => {
    const taken = (app.address() as AddressInfo).port;
    const { cli, web } = await start(config());
    await writeFile(path, config({ bind: `127.0.0.1:${taken}` }));
    await cli.until('stderr', /config not reloaded: [^"]*; the one in force stays/);
    expect(await ask(`${web}/one`)).toBe('here\n');
  });

  it('prints every problem of a bad config and ends with 1', async () => {
    await writeFile(path, config({ top: 'wachers: 1\nworkers: 0' }));
    const { code, stdout, stderr } = await runCli(['run', path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`${path}:4:1: wachers: `);
    expect(stderr).toMatch(/:5:\d+: workers: /);
  });

  it('says which address is taken and ends with 1', async () => {
    await writeFile(path, config({ bind: backend }));
    const { code, stdout, stderr } = await runCli(['run', path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^fairlead run: listener web\b.*\n$/m);
    expect(stderr).toContain(backend);
    expect(stderr).not.toContain('    at ');
  });

  it('refuses to start without a config', async () => {
    const { code, stderr } = await runCli(['run'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('fairlead run: there is neither fairlead.yaml nor config/fairlead.yaml here');
  });

  it('warns of a route that can never match, and runs', async () => {
    const { cli } = await start(config({ path: '/*' }));
    expect(cli.stderr).toMatch(/listeners\.web\.routes\[1\]: warning: route "route-2" can never match/);
  });
});
