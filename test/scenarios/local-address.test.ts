import { afterEach, describe, expect, it } from 'vitest';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { runFairlead } from '../support/running.ts';
import { startPeer } from '../support/tcp-peer.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

const LOCAL = '127.0.0.5';

describe('connect.local', () => {
  it('is where probes, agents and connections of clients come from', async () => {
    const from: (string | undefined)[] = [];
    const asked: (string | undefined)[] = [];
    const backend = await startPeer((socket) => from.push(socket.remoteAddress));
    const agent = await startPeer((socket) => {
      asked.push(socket.remoteAddress);
      socket.end('ready\n');
    });
    const health = { agent: { port: Number(agent.address.split(':')[1]) } };
    const lb = await runFairlead({
      listeners: { l4: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'l4' } },
      pools: { l4: { backends: [backend.address], connect: { local: LOCAL }, health } },
    });
    expect([from, asked]).toEqual([[LOCAL], [LOCAL]]);
    await connectTo(lb.address('l4'));
    await backend.until(() => backend.taken > 1);
    expect(from).toEqual([LOCAL, LOCAL]);
  });

  it('is where datagrams and their probes come from', async () => {
    const backend = await openUdp(() => ['here']);
    const lb = await runFairlead({
      listeners: { dns: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'dns' } },
      pools: { dns: { backends: [backend.address], connect: { local: LOCAL }, health: { type: 'udp', send: 'a' } } },
    });
    const client = await openUdp();
    client.send(lb.address('dns'), 'b');
    await client.until(1);
    expect(backend.from.map((each) => each.split(':')[0])).toEqual([LOCAL, LOCAL]);
  });
});
