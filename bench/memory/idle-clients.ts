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

/** Sends one request on a connection and reads the answer of the fast backend; rejects when it is not that or there is none. */
function ask(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Error('closed'));
    let answer = '';
    const over = (error?: Error) => {
      socket.off('data', read).off('close', closed).off('timeout', late).off('error', over).setTimeout(0);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = () => over(new Error('closed before its answer'));
    const late = () => over(new Error('no answer after 10 s'));
    const read = (chunk: string) => {
      answer += chunk;
      if (!answer.includes(ANSWER_END)) return;
      over(answer.startsWith('HTTP/1.1 200') ? undefined : new Error(answer.slice(0, 100)));
    };
    socket.on('data', read).once('close', closed).once('timeout', late).once('error', over);
    socket.setTimeout(ANSWER_TIMEOUT_MS);
    socket.write(REQUEST);
  });
}

/** Opens a connection, has one request answered on it, and leaves it idle. */
async function openIdle(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('latin1').on('error', () => {});
  await ask(socket);
  return socket;
}

/** Idle connections. */
export interface HeldConnections {
  /** How many the other side has closed. */
  closed(): number;
  /** Sends one more request on each, a few at a time; resolves with the number of those that were answered. */
  use(): Promise<number>;
  release(): void;
}

/** Opens so many idle connections. */
export async function holdIdle(spec: IdleClientSpec): Promise<HeldConnections> {
  const held: Socket[] = [];
  let closed = 0;
  await aFewAtATime(spec.connections, async () => {
    const socket = await openIdle(spec.port);
    held.push(socket);
    socket.resume().once('close', () => closed++);
  });
  const use = async () => {
    let answered = 0;
    await aFewAtATime(held.length, async (i) => {
      const isAnswered = await ask(held[i]!).then(
        () => true,
        () => false,
      );
      if (isAnswered) answered++;
    });
    return answered;
  };
  const release = () => {
    for (const socket of held) socket.destroy();
  };
  return { closed: () => closed, use, release };
}

/** Runs a piece of work for each number below `count`. */
async function aFewAtATime(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let begun = 0;
  const lane = async () => {
    while (begun < count) await work(begun++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** What the parent asks of a client process. */
export type ToIdleClients = 'count' | 'use';

async function main(): Promise<void> {
  const held = await holdIdle(JSON.parse(process.argv[2]!));
  process.on('message', async (asked: ToIdleClients) => {
    process.send!(asked === 'use' ? { answered: await held.use() } : { closed: held.closed() });
  });
  process.send!('open');
}

if (import.meta.main) await main();
