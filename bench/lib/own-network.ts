import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Set in the environment of a run that is in a network of its own. */
const INSIDE = 'FAIRLEAD_BENCH_OWN_NETWORK';

/** The kernel's bounds of a send buffer of TCP, in bytes: the third is what one connection may come to hold. */
const SEND_BUFFERS = '/proc/sys/net/ipv4/tcp_wmem';

/** What one connection's send buffer may grow to here, in bytes. */
export function readSendBuffer(): number {
  return Number(readFileSync(SEND_BUFFERS, 'utf8').trim().split(/\s+/)[2]);
}

/**
 * Runs this program once more with the same arguments, in a network namespace that goes with it and where a send buffer
 * of TCP grows to so many bytes at most, and resolves with its exit code. Undefined for the run in that namespace itself.
 * Rejects when this user may not make one.
 */
export async function inOwnNetwork(sendBufferBytes: number): Promise<number | undefined> {
  if (process.env[INSIDE] !== undefined) return undefined;
  if (process.getuid?.() !== 0) throw new Error('a network of its own takes root');
  const setUp = `ip link set lo up && echo "4096 16384 ${sendBufferBytes}" > ${SEND_BUFFERS} && exec "$@"`;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', ['--net', 'sh', '-c', setUp, 'sh', ...again], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  // The terminal interrupts both; this one waits for what the other has to end.
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  const [code] = (await once(child, 'close')) as [number | null];
  process.off('SIGINT', ignore);
  return code ?? 1;
}
