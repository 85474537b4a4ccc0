import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { runFairlead } from '../support/running.ts';
import { freePort } from '../support/servers.ts';

afterEach(closeOpened);

describe('a reload', () => {
  it('makes a bind wider and narrower on its own port', async () => {
    const backend = remember(await startNamed('a'));
    const port = await freePort();
    const at = (...hosts: string[]): ConfigInput => ({
      workers: 2,
      listeners: { web: { protocol: 'http', bind: hosts.map((host) => `${host}:${port}`), pool: 'web' } },
      pools: { web: { backends: [backend.address], health: { type: 'off' } } },
    });
    const reaches = (host: string) =>
      fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } }).then(
        ({ status }) => status === 200,
        () => false,
      );
    const lb = await runFairlead(at('127.0.0.1'));
    for (const hosts of [
      [''],
      ['127.0.0.1'],
      ['0.0.0.0'],
      ['127.0.0.1', '127.0.0.2'],
      ['', '127.0.0.1'],
      ['127.0.0.1'],
    ]) {
      await lb.reloadWith(at(...hosts));
      for (let time = 0; time < 4; time++) expect(await reaches('127.0.0.1'), hosts.join()).toBe(true);
      const others = await reaches('127.0.0.2');
      expect(others, hosts.join()).toBe(hosts.some((host) => host !== '127.0.0.1'));
    }
  });
});
