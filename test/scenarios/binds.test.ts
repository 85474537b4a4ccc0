import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { freePort } from '../support/kept-ports.ts';
import { startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { runFairlead } from '../support/running.ts';
import { openUdp } from '../support/udp-peer.ts';

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

  it('does so for UDP, and its flows stay where they are', async () => {
    const backend = await openUdp((datagram) => [`to ${datagram}`]);
    const port = await freePort();
    const at = (...hosts: string[]): ConfigInput => ({
      workers: 2,
      listeners: { dns: { protocol: 'udp', bind: hosts.map((host) => `${host}:${port}`), pool: 'dns' } },
      pools: { dns: { backends: [backend.address], health: { type: 'off' } } },
    });
    const lb = await runFairlead(at('127.0.0.1'));
    const client = await openUdp();
    for (const hosts of [
      ['127.0.0.1'],
      [''],
      ['', '127.0.0.1'],
      ['0.0.0.0'],
      ['127.0.0.1', '127.0.0.2'],
      ['127.0.0.1'],
    ]) {
      await lb.reloadWith(at(...hosts));
      client.send(`127.0.0.1:${port}`, hosts.join());
      expect((await client.until(client.got.length + 1)).at(-1)).toBe(`to ${hosts.join()}`);
    }
    expect(new Set(client.from)).toEqual(new Set([`127.0.0.1:${port}`]));
    expect(new Set(backend.from).size).toBe(1);
  });
});
