import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Inspector, inspectorUrl } from '../../../bench/lib/inspector.ts';
import { ProcessGroup } from '../../../bench/lib/processes.ts';
import { countClosed, divide, openClients, useAll } from '../../../bench/memory/clients.ts';
import { holdIdle } from '../../../bench/memory/idle-clients.ts';
import { runsOnNode } from '../../../bench/memory/measure.ts';
import { complaints, filesNeeded, growthKb, memoryReport } from '../../../bench/memory/report.ts';
import { isSettled, settle } from '../../../bench/memory/settle.ts';
import { peers } from '../../../bench/peers/start.ts';

const group = new ProcessGroup(300);
let http: Server | undefined;
afterEach(async () => {
  await group.close();
  http?.closeAllConnections();
  http?.close();
});

interface Backend {
  readonly port: number;
  readonly sockets: Set<Socket>;
  readonly counts: { most: number; requests: number };
}

async function backend(status = 200): Promise<Backend> {
  const sockets = new Set<Socket>();
  const counts = { most: 0, requests: 0, underWay: 0 };
  http = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
    counts.requests++;
    counts.most = Math.max(counts.most, ++counts.underWay);
    setTimeout(() => {
      counts.underWay--;
      response.writeHead(status).end('hello, world\n');
    }, 2);
  });
  http.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => http!.listen(0, '127.0.0.1', resolve));
  return { port: (http.address() as { port: number }).port, sockets, counts };
}

describe('divide', () => {
  it.each([
    [4000, 4, [1000, 1000, 1000, 1000]],
    [10, 4, [3, 3, 2, 2]],
    [1, 3, [1, 0, 0]],
  ])('%d over %d', (total, processes, expected) => expect(divide(total, processes)).toEqual(expected));

  it('loses nothing and differs by at most one', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 64 }), (total, processes) => {
        const parts = divide(total, processes);
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total);
        expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('settle', () => {
  const limits = { everyMs: 500, readings: 3, within: 10, most: 6 };

  it.each([
    [[100, 100], false],
    [[100, 105, 110], true],
    [[100, 105, 111], false],
    [[0, 100, 105, 110], true],
    [[100, 110, 100, 50], false],
  ])('%o is settled: %s', (readings, expected) => expect(isSettled(readings, limits)).toBe(expected));

  async function settled(readings: readonly number[]): Promise<{ value: number; pauses: number[] }> {
    const pauses: number[] = [];
    let next = 0;
    const value = await settle(
      () => readings[next++]!,
      limits,
      async (ms) => void pauses.push(ms),
    );
    return { value, pauses };
  }

  it('reads at intervals until the newest readings agree, and gives the last', async () => {
    expect(await settled([500, 300, 200, 195, 201, 999])).toEqual({ value: 201, pauses: [500, 500, 500, 500] });
  });

  it('gives up after the most readings', async () => {
    expect(await settled([1, 100, 1, 100, 1, 100, 1])).toEqual({ value: 100, pauses: [500, 500, 500, 500, 500] });
  });
});

describe('idle clients', () => {
  it('send one request each, a few at a time, and stay', async () => {
    const { port, sockets, counts } = await backend();
    const held = await holdIdle({ port, connections: 40 });
    expect([sockets.size, counts.requests, held.closed()]).toEqual([40, 40, 0]);
    expect(counts.most).toBeLessThanOrEqual(16);
    const [one, two] = [...sockets];
    one!.destroy();
    two!.destroy();
    await expect.poll(() => held.closed()).toBe(2);
    held.release();
    await expect.poll(() => [...sockets].every((socket) => socket.destroyed)).toBe(true);
  });

  it('fail when an answer is not 200 or the connection is closed before it', async () => {
    const { port } = await backend(503);
    await expect(holdIdle({ port, connections: 1 })).rejects.toThrow('503');
    http!.removeAllListeners('request').on('request', (request) => request.socket.destroy());
    await expect(holdIdle({ port, connections: 1 })).rejects.toThrow('closed before its answer');
  });

  it('run in processes of their own, which count what was closed on them', async () => {
    const { port, sockets, counts } = await backend();
    const clients = await openClients(group, port, [3, 2]);
    expect(sockets.size).toBe(5);
    expect(await countClosed(clients)).toBe(0);
    expect(await useAll(clients)).toBe(5);
    expect(counts.requests).toBe(10);
    for (const socket of [...sockets].slice(0, 2)) socket.destroy();
    await expect.poll(() => countClosed(clients)).toBe(2);
    expect(await useAll(clients)).toBe(3);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => countClosed(clients)).toBe(5);
  });

  it('reject with their output when they cannot connect', async () => {
    const { port } = await backend();
    http!.close();
    http = undefined;
    await expect(openClients(group, port, [1])).rejects.toThrow(/idle clients ended with 1\n[\s\S]*ECONNREFUSED/);
  });
});

describe('Inspector', () => {
  it('collects in the main thread and in every worker', async () => {
    const watch = `const held = new FinalizationRegistry((name) => console.log('freed', name));
      (function () { held.register(new Array(10), NAME); })(); setInterval(() => {}, 1e6);`;
    const script = `const { Worker } = require('node:worker_threads');
      ${watch.replace('NAME', '"main"')}
      const worker = new Worker(${JSON.stringify(watch.replace('NAME', '"worker"'))}, { eval: true });
      worker.once('online', () => console.log('up'));`;
    const running = await group.start({
      name: 'target',
      command: process.execPath,
      args: ['--inspect=127.0.0.1:0', '-e', script],
    });
    await expect.poll(() => running.output()).toContain('up');
    expect(running.output()).not.toContain('freed');
    const collector = await Inspector.connect(inspectorUrl(running.output()));
    expect(collector.threads).toBe(2);
    await collector.collect();
    await expect.poll(() => running.output()).toMatch(/freed main/);
    await expect.poll(() => running.output()).toMatch(/freed worker/);
    collector.close();
    expect(running.alive()).toBe(true);
  });

  it('rejects where no inspector listens', async () => {
    await expect(Inspector.connect('ws://127.0.0.1:1/none')).rejects.toThrow('no inspector at ws://127.0.0.1:1');
    expect(() => inspectorUrl('nothing here')).toThrow('no inspector address in:\nnothing here');
    expect(inspectorUrl('x\nDebugger listening on ws://127.0.0.1:9/a-b\nFor help')).toBe('ws://127.0.0.1:9/a-b');
  });
});

describe('the report', () => {
  const reading = (before: number, after: number, closed = 0, heaps = 0) => ({ before, after, closed, heaps });
  const sample = (peer: string, grownKb: number, layer: 'l7' | 'l4' = 'l7') => ({
    peer,
    layer,
    connections: 4000,
    asIs: reading(60e6, 60e6 + grownKb * 4e6),
    collected: undefined,
  });

  it('divides the growth by the connections, in KB of 1,000 bytes', () => {
    expect(growthKb(reading(50e6, 82e6), 4000)).toBe(8);
    expect(growthKb(undefined, 4000)).toBeNaN();
  });

  it.each([
    ['fairlead', 8, 'l7', 0],
    ['fairlead', 8.1, 'l7', 1],
    ['fairlead', 16, 'l4', 0],
    ['fairlead', 16.1, 'l4', 1],
    ['gateway', 99, 'l7', 0],
  ] as const)('holds %s at %d KB in %s: %d complaints', (peer, kb, layer, count) => {
    expect(complaints(sample(peer, kb, layer))).toHaveLength(count);
  });

  it('rejects a reading under which connections were closed', () => {
    const both = { ...sample('nginx', 1), asIs: reading(0, 1, 2), collected: reading(0, 1, 3) };
    expect(complaints(both)).toEqual(['nginx, L7: 5 connections were closed under the measurement']);
  });

  it('needs two files a connection and some more', () => expect(filesNeeded(4000)).toBe(8500));

  it('asks only Node processes for collections', () => {
    expect(
      Object.values(peers)
        .filter(runsOnNode)
        .map(({ name }) => name),
    ).toEqual(['fairlead', 'fairlead-handles', 'gateway']);
  });

  it('shows what was measured, under which limit, and what went wrong', () => {
    const samples = [{ ...sample('fairlead', 9), collected: reading(50e6, 74e6, 0, 2) }, sample('nginx', 0.61)];
    const text = memoryReport({
      machine: { cpu: 'Some CPU', cores: 2, memoryGiB: 8, kernel: 'linux 6.1', node: 'v26.0.0', date: '2026-01-02' },
      options: { connections: 4000, clientProcesses: 4, warmUpRequests: 200 },
      files: { soft: 1024, hard: 20_000 },
      samples,
    });
    expect(text).toContain('4,000 connections from 4 client processes');
    expect(text).toContain('from after 200 requests one by one.');
    expect(text).toContain('Open files: 20,000 allowed, 8,500 needed.');
    const rows = text
      .split('\n')
      .filter((line) => line.startsWith('| L'))
      .map((line) => line.replaceAll(' ', ''));
    expect(rows).toEqual(['|L7|fairlead|57.2|91.6|9.00|6.00|2|0|', '|L7|nginx|57.2|59.5|0.61|–|–|0|']);
    expect(text).toContain('- fairlead, L7: 9.00 KB per connection is more than 8 KB');
    expect(text).not.toContain('No connection was closed');
  });
});
