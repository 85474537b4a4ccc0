import { connect, type Socket } from 'node:net';

/** What a client process is asked to hold. */
export interface IdleClientSpec {
  readonly port: number;
  readonly connections: number;
}

// Opened a few at a time, so that the proxy opens a few connections to its backends and not one for every client.
const AT_ONCE = 16;
const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n';

const ANSWER_END = 'world\n';
const ANSWER_TIMEOUT_MS = 10_000;

/** Opens a connection, sends one request on it, reads the answer of the fast backend, and leaves it idle. */
function openIdle(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(REQUEST));
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('no answer after 10 s')));
    socket.setEncoding('latin1').on('error', reject);
    socket.once('close', () => reject(new Error('closed before its answer')));
    socket.on('data', (chunk) => {
      answer += chunk;
      if (!answer.includes(ANSWER_END)) return;
      socket.removeAllListeners('close').removeAllListeners('data').setTimeout(0);
      if (answer.startsWith('HTTP/1.1 200')) resolve(socket);
      else reject(new Error(answer.slice(0, 100)));
    });
  });
}

/** Opens so many idle connections; resolves with a count of those that the other side has closed since. */
export async function holdIdle(spec: IdleClientSpec): Promise<{ closed(): number; release(): void }> {
  const held: Socket[] = [];
  let closed = 0;
  let begun = 0;
  const opener = async () => {
    while (begun < spec.connections) {
      begun++;
      const socket = await openIdle(spec.port);
      held.push(socket);
      socket.resume().once('close', () => closed++);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, opener));
  const release = () => {
    for (const socket of held) socket.destroy();
  };
  return { closed: () => closed, release };
}

async function main(): Promise<void> {
  const held = await holdIdle(JSON.parse(process.argv[2]!));
  process.on('message', () => process.send!({ closed: held.closed() }));
  process.send!('open');
}

if (import.meta.main) await main();
