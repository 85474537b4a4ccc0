import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { remember } from './opened.ts';

/** Listens, says on which port, and then sleeps, so that nothing is ever accepted. */
const sleeper = `
  const { parentPort, workerData } = require('node:worker_threads');
  const listener = require('node:net').createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    parentPort.postMessage(listener.address().port);
    setTimeout(() => Atomics.wait(new Int32Array(workerData), 0, 0), 10);
  });
`;

/** How long a connection may take to be made on loopback, in ms, before the backlog counts as full. */
const CONNECT_MS = 250;
const MOST_FILLERS = 16;

/** An address where connections are neither accepted nor refused: its listener sleeps and its backlog is full. */
export interface DeafListener {
  /** `127.0.0.1:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Starts one; connecting to it takes forever. */
export async function startDeafListener(): Promise<DeafListener> {
  const flag = new SharedArrayBuffer(4);
  const worker = new Worker(sleeper, { eval: true, workerData: flag });
  const [port] = (await once(worker, 'message')) as [number];
  await pause(50);
  const fillers: net.Socket[] = [];
  for (let connected = true; connected && fillers.length < MOST_FILLERS; ) {
    const filler = net.connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(filler);
    connected = await Promise.race([once(filler, 'connect').then(() => true), pause(CONNECT_MS, false)]);
  }
  return remember({
    address: `127.0.0.1:${port}`,
    async close() {
      for (const filler of fillers) filler.destroy();
      Atomics.store(new Int32Array(flag), 0, 1);
      Atomics.notify(new Int32Array(flag), 0);
      await worker.terminate();
    },
  });
}
