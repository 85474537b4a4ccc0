import net from 'node:net';
import { CommandProblem } from '../command.ts';
import { whyUnreachable } from '../unreachable.ts';

/** As long as a first connection may take, in ms. */
const LONGEST_CONNECT_MS = 5000;

/** Connects to where the URL leads, and says nothing there; throws CommandProblem, also when `signal` is aborted before. */
export async function reach(url: string, signal: AbortSignal): Promise<void> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = net.connect({ host, port: Number(port) || (protocol === 'https:' ? 443 : 80), signal });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      socket.setTimeout(LONGEST_CONNECT_MS, () => reject(new Error(`no connection in ${LONGEST_CONNECT_MS / 1000} s`)));
    });
  } catch (error) {
    throw new CommandProblem(`${url} cannot be reached: ${whyUnreachable(error as NodeJS.ErrnoException)}`);
  } finally {
    socket.destroy();
  }
}
