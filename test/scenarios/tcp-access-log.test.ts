import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

function config(backends: readonly string[], idle = '10s'): ConfigInput {
  return {
    log: { level: 'silent', access: true },
    listeners: { db: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'db', timeouts: { idle } } },
    pools: { db: { backends: [...backends], health: { type: 'off' } } },
  };
}

async function recordOf(lb: RunningFairlead): Promise<Record<string, unknown>> {
  await eventually(() => lb.accessLines.length >= 1, 'a line');
  return JSON.parse(lb.accessLines[0]!) as Record<string, unknown>;
}

describe('the access log of L4 connections', () => {
  it('says where the bytes went and that both sides closed', async () => {
    const peer = await startPeer((socket) => socket.pipe(socket));
    const lb = await runFairlead(config([peer.address]));
    const client = await connectTo(lb.address('db'));
    client.send('12345');
    await client.until(() => client.text === '12345', 'the echo');
    client.end();
    await client.ended();
    const record = await recordOf(lb);
    expect(record).toMatchObject({
      kind: 'connection',
      listener: 'db',
      pool: 'db',
      backend: peer.address,
      client: '127.0.0.1',
      bytesIn: 5,
      bytesOut: 5,
      attempts: 1,
      ended: 'closed',
      reason: 'closed by both sides',
    });
    expect(record['durationMs']).toBeGreaterThanOrEqual(Number(record['connectMs']));
  });

  it('says how long a connection has waited for a backend', async () => {
    const peer = await startPeer((socket) => socket.pipe(socket));
    const lb = await runFairlead({
      ...config([]),
      pools: {
        db: {
          backends: [{ address: peer.address, maxConnections: 1 }],
          health: { type: 'off' },
          queue: { max: 1, timeout: '10s' },
        },
      },
    });
    const first = (await connectTo(lb.address('db'))).send('a');
    await first.until(() => first.text === 'a', 'the echo');
    const second = (await connectTo(lb.address('db'))).send('b');
    await pause(100);
    first.end();
    await second.until(() => second.text === 'b', 'the echo');
    second.end();
    await eventually(() => lb.accessLines.length >= 2, 'two lines');
    const [one, two] = lb.accessLines.map((line) => JSON.parse(line) as Record<string, number>);
    expect(one!['queueMs']).toBe(0);
    expect(two!['queueMs']).toBeGreaterThan(50);
    expect(two!['durationMs']).toBeGreaterThanOrEqual(two!['queueMs']! + two!['connectMs']!);
  });

  it('says that no backend could be had, not that the client left', async () => {
    const lb = await runFairlead(config(['127.0.0.1:1']));
    const client = await connectTo(lb.address('db'));
    await client.ended();
    const record = await recordOf(lb);
    expect(record).toMatchObject({
      attempts: 1,
      bytesOut: 0,
      ended: 'connect-refused',
      reason: 'the backend refused the connection',
    });
  });

  it('tells a side that reset from one that was silent', async () => {
    const peer = await startPeer((socket) => socket.on('data', () => socket.resetAndDestroy()));
    const lb = await runFairlead(config([peer.address], '1s'));
    await connectTo(lb.address('db')).then((client) => client.send('x').ended());
    expect(await recordOf(lb)).toMatchObject({ ended: 'backend-reset', reason: 'backend reset the connection' });
    await connectTo(lb.address('db')).then((client) => client.ended());
    await eventually(() => lb.accessLines.length === 2, 'the second line');
    expect(JSON.parse(lb.accessLines[1]!)).toMatchObject({ ended: 'idle-timeout', reason: 'no byte moved in time' });
  });
});
