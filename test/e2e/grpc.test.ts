import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import {
  type Client,
  type ClientDuplexStream,
  credentials,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

const plain = { serialize: (text: string) => Buffer.from(text), deserialize: (bytes: Buffer) => bytes.toString() };

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<string, string> {
  return {
    path: `/test.Words/${name}`,
    requestStream,
    responseStream,
    requestSerialize: plain.serialize,
    requestDeserialize: plain.deserialize,
    responseSerialize: plain.serialize,
    responseDeserialize: plain.deserialize,
  };
}

const words = {
  Shout: method('Shout', false, false),
  Join: method('Join', true, false),
  Count: method('Count', false, true),
  Talk: method('Talk', true, true),
  Hang: method('Hang', false, false),
};

const health = {
  Check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  } satisfies MethodDefinition<Buffer, Buffer>,
};

/** A gRPC server with every kind of call, its health service, and what it has seen. */
async function startServer(name: string, security = ServerCredentials.createInsecure()) {
  const server = new Server();
  const seen = { calls: 0, cancelled: 0, serving: 1 };
  const shout: handleUnaryCall<string, string> = (call, done) => {
    seen.calls++;
    const head = new Metadata();
    head.set('x-backend', name);
    head.set('x-seen', String(call.metadata.get('x-asked')[0] ?? ''));
    call.sendMetadata(head);
    const trailer = new Metadata();
    trailer.set('x-length', String(call.request.length));
    trailer.set('x-raw-bin', Buffer.from([0, 255, 10]));
    if (call.request === 'fail')
      return done({ code: status.FAILED_PRECONDITION, details: 'not today: ü', metadata: trailer });
    done(null, call.request.toUpperCase(), trailer);
  };
  server.addService(words as never, {
    Shout: shout,
    Join: (call: ServerReadableStream<string, string>, done: (error: null, text: string) => void) => {
      const parts: string[] = [];
      call
        .on('data', (part: string) => parts.push(part))
        .on('end', () => done(null, `${parts.length}:${parts.join('').length}`));
    },
    Count: (call: ServerWritableStream<string, string>) => {
      for (let i = 0; i < Number(call.request); i++) call.write(`${i}`);
      call.end();
    },
    Talk: (call: ServerDuplexStream<string, string>) => {
      call.on('data', (part: string) => call.write(`${part}!`)).on('end', () => call.end());
    },
    Hang: (call: { on(event: 'cancelled', heard: () => void): void }) => {
      seen.calls++;
      call.on('cancelled', () => seen.cancelled++);
    },
  });
  server.addService(health as never, {
    Check: (_: unknown, done: (error: null, answer: Buffer) => void) => done(null, Buffer.from([8, seen.serving])),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', security, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  const close = () => server.forceShutdown();
  const shutDown = () => server.tryShutdown(() => {});
  return remember({ address: `127.0.0.1:${port}`, seen, close, shutDown });
}

interface WordsClient extends Client {
  Shout(text: string, metadata: Metadata, done: (error: ServiceError | null, answer: string) => void): Answering;
  Join(done: (error: ServiceError | null, answer: string) => void): { write(part: string): void; end(): void };
  Count(times: string): AsyncIterable<string>;
  Talk(): ClientDuplexStream<string, string>;
  Hang(text: string, options: object, done: (error: ServiceError | null) => void): { cancel(): void };
}

interface Answering {
  on(event: 'metadata', heard: (metadata: Metadata) => void): this;
  on(event: 'status', heard: (status: { metadata: Metadata }) => void): this;
}

const WordsConstructor = makeGenericClientConstructor(words as never, 'Words');

function clientOf(address: string, security = credentials.createInsecure(), options = {}): WordsClient {
  const client = new WordsConstructor(address, security, options) as unknown as WordsClient;
  return remember(client);
}

/** One unary call: what came in front, as the answer, and behind. */
async function shout(client: WordsClient, text: string) {
  const asked = new Metadata();
  asked.set('x-asked', 'this');
  return new Promise<Record<string, unknown>>((resolve) => {
    const got: Record<string, unknown> = {};
    client
      .Shout(text, asked, (error, answer) => Object.assign(got, { answer, code: error?.code, details: error?.details }))
      .on('metadata', (head) => Object.assign(got, { backend: head.get('x-backend')[0], seen: head.get('x-seen')[0] }))
      .on('status', ({ metadata }) =>
        resolve({ ...got, length: metadata.get('x-length')[0], raw: metadata.get('x-raw-bin')[0] }),
      );
  });
}

async function hang(client: WordsClient, options: object = {}, cancelWhen?: () => Promise<void>) {
  return new Promise<number | undefined>((resolve) => {
    const call = client.Hang('a while', options, (error) => resolve(error?.code));
    void cancelWhen?.().then(() => call.cancel());
  });
}

const pool = {
  connect: { http2: true },
  health: { type: 'grpc', interval: '100ms', timeout: '2s', rise: 1, fall: 1 },
} as const;

async function through(addresses: readonly string[], listener: object = {}): Promise<RunningFairlead> {
  return runFairlead({ ...webConfig([...addresses], listener, pool), admin: { bind: '127.0.0.1:0' } });
}

/** Every kind of call, with what its client sees. */
async function everyCall(address: string): Promise<unknown[]> {
  const client = clientOf(address);
  const seen: unknown[] = [await shout(client, 'hello'), await shout(client, 'fail'), await shout(client, '')];
  seen.push(await shout(client, 'long'.repeat(300_000)));
  seen.push(
    await new Promise((resolve) => {
      const call = client.Join((error, answer) => resolve([error?.code, answer]));
      for (let i = 0; i < 500; i++) call.write('part'.repeat(50));
      call.end();
    }),
  );
  const counted: string[] = [];
  for await (const one of client.Count('2000')) counted.push(one);
  seen.push([counted.length, counted.at(-1)]);
  const talk = client.Talk();
  const heard: string[] = [];
  talk.write('line 0');
  for await (const line of talk) {
    heard.push(line);
    if (heard.length === 50) talk.end();
    else talk.write(`line ${heard.length}`);
  }
  seen.push(heard);
  return seen;
}

describe('gRPC', () => {
  it('is the same through Fairlead as directly, whatever the kind of the call', async () => {
    const server = await startServer('one');
    const lb = await through([server.address]);
    expect(await everyCall(lb.address())).toEqual(await everyCall(server.address));
  });

  it('is the same over TLS on both sides', async () => {
    const authority = new TestAuthority();
    const files = authority.for('localhost');
    const root = readFileSync(authority.root.files.cert);
    const pair = { cert_chain: readFileSync(files.cert), private_key: readFileSync(files.key) };
    const server = await startServer('one', ServerCredentials.createSsl(null, [pair]));
    const connect = { http2: true, tls: { ca: authority.root.files.cert, serverName: 'localhost' } };
    const lb = await runFairlead(webConfig([server.address], { tls: files }, { ...pool, connect }));
    const named = { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' };
    const client = clientOf(lb.address(), credentials.createSsl(root), named);
    expect(await shout(client, 'hello')).toMatchObject({ answer: 'HELLO', backend: 'one', seen: 'this', length: '5' });
  });

  it('spreads the calls of one client over the backends', async () => {
    const servers = await Promise.all(['one', 'two', 'three'].map((name) => startServer(name)));
    const lb = await through(servers.map(({ address }) => address));
    const client = clientOf(lb.address());
    await Promise.all(Array.from({ length: 30 }, () => shout(client, 'hello')));
    expect(servers.map(({ seen }) => seen.calls)).toEqual([10, 10, 10]);
  });

  it('cancels a call at its backend when its client cancels it, or its deadline is over', async () => {
    const server = await startServer('one');
    const lb = await through([server.address]);
    const client = clientOf(lb.address());
    expect(await hang(client, { deadline: Date.now() + 300 })).toBe(status.DEADLINE_EXCEEDED);
    await eventually(() => server.seen.cancelled === 1, 'the backend hears of the deadline');
    const arrived = () => eventually(() => server.seen.calls === 2, 'the call arrives');
    expect(await hang(client, {}, arrived)).toBe(status.CANCELLED);
    await eventually(() => server.seen.cancelled === 2, 'the backend hears that the client cancels');
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });

  it('goes to no backend whose health service does not say SERVING, until it does again', async () => {
    const servers = await Promise.all(['one', 'two'].map((name) => startServer(name)));
    const lb = await through(servers.map(({ address }) => address));
    const client = clientOf(lb.address());
    const [one, two] = servers.map(({ seen }) => seen) as [(typeof servers)[0]['seen'], (typeof servers)[0]['seen']];
    const healthy = (count: number) => eventually(async () => (await upCount(lb)) === count, `${count} are up`);
    two.serving = 2;
    await healthy(1);
    for (let i = 0; i < 10; i++) expect(await shout(client, 'hello')).toMatchObject({ backend: 'one' });
    two.serving = 1;
    await healthy(2);
    const calls = one.calls + two.calls;
    for (let i = 0; i < 10; i++) await shout(client, 'hello');
    expect(one.calls + two.calls - calls).toBe(10);
    expect(two.calls).toBe(5);
  });

  it('loses no call when a backend shuts down as it should', async () => {
    const servers = await Promise.all(['one', 'two'].map((name) => startServer(name)));
    const lb = await through(servers.map(({ address }) => address));
    const client = clientOf(lb.address());
    for (let i = 0; i < 4; i++) await shout(client, 'hello');
    servers[0]!.shutDown();
    const answers = await Promise.all(Array.from({ length: 20 }, () => shout(client, 'hello')));
    expect(answers.map(({ answer, details }) => answer ?? details)).toEqual(Array(20).fill('HELLO'));
  });

  it('maps what Fairlead itself has to say to the codes of gRPC', async () => {
    const server = await startServer('one');
    const lb = await through([server.address], { routes: [{ match: { path: '/test.Words/Shout' }, pool: 'web' }] });
    const client = clientOf(lb.address());
    expect(await hang(client)).toBe(status.UNIMPLEMENTED);
    server.close();
    await eventually(async () => (await upCount(lb)) === 0, 'the backend is down');
    expect(await shout(client, 'hello')).toMatchObject({ code: status.UNAVAILABLE });
  });
});

async function upCount(lb: RunningFairlead): Promise<number> {
  return metric(lb, 'backend_up');
}
