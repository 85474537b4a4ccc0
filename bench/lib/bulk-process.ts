import { connect } from 'node:net';
import type { BulkResult, BulkSpec } from './bulk.ts';

// One buffer for all connections: the sink copies out of the kernel and looks at nothing, so no proxy is cheaper.
const SINK = Buffer.allocUnsafe(256 * 1024);
// More files than any run can take, asked for at once, so that the sink never has to find where an answer ends.
const PIPELINED = 4000;

function download(spec: BulkSpec): Promise<BulkResult> {
  let bytes = 0;
  let errors = 0;
  const request = `GET ${spec.path} HTTP/1.1\r\nHost: bench\r\n\r\n`.repeat(PIPELINED);
  const startedAt = performance.now();
  const sockets = Array.from({ length: spec.connections }, () => {
    const onread = {
      buffer: SINK,
      callback: (length: number) => {
        bytes += length;
        return true;
      },
    };
    const socket = connect({ host: '127.0.0.1', port: spec.port, onread }, () => socket.write(request));
    const fail = () => {
      errors++;
      socket.destroy();
    };
    return socket.once('error', fail).once('end', fail);
  });
  return new Promise((resolve) => {
    setTimeout(() => {
      const durationMs = performance.now() - startedAt;
      for (const socket of sockets) socket.destroy();
      resolve({ bytes, durationMs, errors });
    }, spec.durationS * 1000);
  });
}

process.stdout.write(JSON.stringify(await download(JSON.parse(process.argv[2]!))));
