import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ConfigError,
  type ConfigInput,
  createFairlead,
  defineConfig,
  type Fairlead,
  type Transition,
} from '../../src/index.ts';
import { retire } from '../support/kept-ports.ts';
import { closeOpened, remember } from '../support/opened.ts';

afterEach(closeOpened);

/** A backend that answers with its name. */
async function backend(name: string): Promise<{ readonly address: string; readonly server: Server }> {
  const server = createServer((_request, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  remember({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const configFor = (...backends: string[]): ConfigInput =>
  defineConfig({
    workers: 1,
    admin: false,
    listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'apps' } },
    pools: { apps: { backends, health: { interval: '50ms', timeout: '500ms', rise: 1, fall: 1 } } },
  });

async function start(config: ConfigInput, options = {}): Promise<Fairlead> {
  return remember(await createFairlead(config, { logger: false, ...options }));
}

const ask = async (lb: Fairlead): Promise<string> => (await fetch(`http://${lb.address('web')}/`)).text();

describe('createFairlead', () => {
  it('balances over the backends of a config object, and tells what it does', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const lb = await start(configFor(a.address, b.address));
    const answers = [await ask(lb), await ask(lb), await ask(lb), await ask(lb)];
    expect(answers.sort()).toEqual(['a', 'a', 'b', 'b']);
    expect(lb.listeners).toEqual([{ name: 'web', protocol: 'http', tls: false, addresses: [lb.address('web')] }]);
    expect(lb.status()).toMatchObject({ generation: 1, configPath: null, listeners: [{ name: 'web' }] });
    expect(lb.pools()[0]).toMatchObject({ name: 'apps', healthy: 2, backends: [{ total: 2 }, { total: 2 }] });
    expect(lb.readiness()).toEqual({ ready: true, reasons: [] });
    expect(await lb.metrics()).toMatch(/^fairlead_backend_picks_total\{pool="apps",backend="127\.0\.0\.1:\d+"\} 2$/m);
    expect(() => lb.address('wep')).toThrow(RangeError);
  });

  it('brings another config into force, and says so', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const lb = await start(configFor(a.address));
    const reloads: number[] = [];
    lb.on('reload', (generation) => reloads.push(generation));
    await lb.reload(configFor(b.address));
    expect([await ask(lb), lb.generation, reloads]).toEqual(['b', 2, [2]]);
  });

  it('keeps the config in force when another one has problems, and counts it', async () => {
    const a = await backend('a');
    const lb = await start(configFor(a.address));
    const bad = { ...configFor(a.address), listners: {} } as ConfigInput;
    await expect(lb.reload(bad)).rejects.toBeInstanceOf(ConfigError);
    expect([await ask(lb), lb.generation]).toEqual(['a', 1]);
    expect(await lb.metrics()).toContain('fairlead_config_reloads_total{result="rejected"} 1');
  });

  it('tells of every change of health', async () => {
    const a = await backend('a');
    const lb = await start(configFor(a.address));
    const change = new Promise<Transition>((resolve) => lb.once('health', resolve));
    const closed = retire(a.server);
    a.server.closeAllConnections();
    await closed;
    expect(await change).toMatchObject({ pool: 'apps', backend: a.address, to: 'down' });
    expect(lb.readiness().ready).toBe(false);
  });

  it('drains, and closes once', async () => {
    const lb = await start(configFor((await backend('a')).address));
    let closed = 0;
    lb.on('close', () => closed++);
    const address = lb.address('web');
    expect(await lb.drain()).toBe(true);
    await lb.close();
    await lb[Symbol.asyncDispose]();
    expect(closed).toBe(1);
    await expect(fetch(`http://${address}/`)).rejects.toThrow();
  });

  it('fills in variables, and writes the access log where it is told to', async () => {
    const { address } = await backend('a');
    const lines: string[] = [];
    const accessLog = new Writable({
      write: (chunk, _encoding, done) => {
        lines.push(String(chunk));
        done();
      },
    });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the config's own variables
    const config = { ...configFor('${APP}'), log: { access: true } };
    const lb = await start(config, { env: { APP: address }, accessLog });
    expect(await ask(lb)).toBe('a');
    await lb.drain();
    expect(lines.join('')).toContain(`"backend":"${address}"`);
  });
});

describe('createFairlead, of a config that cannot be run', () => {
  it('lists every problem as data', async () => {
    const config = {
      listeners: { web: { protocol: 'http', bind: 'nowhere', pool: 'aps' } },
      pools: { apps: { backends: [], balanse: 'random' } },
    } as unknown as ConfigInput;
    const error = await createFairlead(config, { logger: false }).then(
      () => undefined,
      (reason: ConfigError) => reason,
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ name: 'ConfigError', code: 'FAIRLEAD_CONFIG' });
    expect(error!.problems.map(({ key }) => key).sort()).toEqual([
      'listeners.web.bind',
      'listeners.web.pool',
      'pools.apps.backends',
      'pools.apps.balanse',
    ]);
    for (const { message } of error!.problems) expect(error!.message).toContain(message);
  });

  it('looks for certificates too', async () => {
    const tls = { cert: 'no-such.pem', key: 'no-such.key' };
    const config = configFor('127.0.0.1:1');
    const listeners = { web: { protocol: 'http' as const, bind: '127.0.0.1:0', pool: 'apps', tls } };
    await expect(createFairlead({ ...config, listeners }, { logger: false })).rejects.toMatchObject({
      problems: [{ key: 'listeners.web.tls.cert' }],
    });
  });

  it('leaves nothing open when an address is taken', async () => {
    const { address } = await backend('a');
    const config = configFor(address);
    const listeners = { web: { protocol: 'http' as const, bind: address, pool: 'apps' } };
    await expect(createFairlead({ ...config, listeners }, { logger: false })).rejects.toThrow(
      'another process listens there',
    );
  });
});
