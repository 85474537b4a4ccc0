import { parentPort, workerData } from 'node:worker_threads';
import { DataPlane } from './data-plane.ts';
import type { ToWorker, WorkerSeed } from './messages.ts';

/** The entry of a worker thread: a data plane at the end of a message port. */
if (parentPort === null) throw new Error('worker.ts runs as a worker thread only');
const port = parentPort;
const plane = new DataPlane(workerData as WorkerSeed, (message) => port.postMessage(message));
port.on('message', (message: ToWorker) => plane.receive(message));
