import { afterEach, describe, expect, it } from 'vitest';
import { runLoad } from '../support/load.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText } from '../support/recording-backend.ts';
import { runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

const answering = (host: string) =>
  startPeer((socket) => socket.on('data', () => socket.write(answerText('found'))), { where: { host, port: 0 } });

async function running(host: string, health: 'tcp' | 'off') {
  const peer = await answering(host);
  const port = peer.address.split(':').at(-1);
  return runFairlead({
    listeners: {
      web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' },
      l4: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'web' },
    },
    pools: { web: { backends: [`localhost:${port}`], health: { type: health } } },
  });
}

describe('a backend that is given by name', () => {
  it.each([
    ['127.0.0.1', 'tcp'],
    ['127.0.0.1', 'off'],
    ['::1', 'tcp'],
    ['::1', 'off'],
  ] as const)('is found on %s though its name has two addresses, with health %s', async (host, health) => {
    const lb = await running(host, health);
    const { statuses } = await runLoad(lb.address(), { connections: 3, requests: 9 });
    expect([...statuses]).toEqual([[200, 9]]);
    const client = await connectTo(lb.address('l4'));
    client.send('x');
    await client.until(() => client.text.endsWith('found'), 'answer');
  });

  it.each(['127.0.0.1', '::1'])('has its first datagram, too, when it is found on %s', async (host) => {
    const peer = await openUdp((datagram) => [`found ${datagram}`], { host });
    const port = peer.address.split(':').at(-1);
    const lb = await runFairlead({
      admin: { bind: '127.0.0.1:0' },
      listeners: { dns: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'dns' } },
      pools: { dns: { backends: [`localhost:${port}`] } },
    });
    const client = await openUdp();
    client.send(lb.address('dns'), '1');
    expect(await client.until(1)).toEqual(['found 1']);
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
    expect(await metric(lb, 'refusals_total')).toBe(0);
  });

  it('that does not resolve is down with that reason, and takes nothing else down', async () => {
    const peer = await answering('127.0.0.1');
    const lb = await runFairlead({
      admin: { bind: '127.0.0.1:0' },
      listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' } },
      pools: { web: { backends: [peer.address, 'nowhere.invalid:80'] } },
    });
    const { statuses } = await runLoad(lb.address(), { connections: 2, requests: 6 });
    expect([...statuses]).toEqual([[200, 6]]);
    const response = await fetch(`http://${lb.adminAddresses[0]}/api/pools/web`);
    const { backends } = (await response.json()) as { backends: { health: string; healthReason: string }[] };
    expect(backends.map(({ health }) => health)).toEqual(['up', 'down']);
    expect(backends[1]!.healthReason).toMatch(/nowhere\.invalid|resolve|address/);
  });
});
