import { Buffer } from 'node:buffer';
import type net from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parserFault } from '../fuzz/parser-case.ts';
import { fieldOf, readMessages } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import {
  answerText,
  type RecordedConnection,
  type RecordingBackend,
  startBackend,
} from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { scrape, sumOf } from '../support/scrape.ts';
import type { ResponseCase } from './response-case.ts';
import { responseCases } from './response-cases.ts';

let backend: RecordingBackend;
let fairlead: RunningFairlead;
/** What is played to the next request that is not for `/next`, and the connection on which that came. */
let playing: { readonly play: (socket: net.Socket) => unknown; connection?: RecordedConnection } | undefined;

beforeAll(async () => {
  backend = await startBackend(({ startLine }, connection) => {
    if (startLine.includes('/next')) return answerText('next');
    playing!.connection = connection;
    playing!.play(connection.socket);
    return undefined;
  });
  fairlead = await runFairlead({ ...webConfig([backend.address]), admin: { bind: '127.0.0.1:0' } });
});
afterAll(closeOpened);

async function send(socket: net.Socket, pieces: readonly string[], end: ResponseCase['end']): Promise<void> {
  for (const piece of pieces) {
    if (piece !== '') socket.write(piece, 'latin1');
    await nextTurn();
  }
  // What was sent must have gone on before a reset, which would take it back.
  if (end === 'reset') setTimeout(() => socket.resetAndDestroy(), 50);
  if (end === 'fin') socket.end();
}

/** A backend that answers before the whole request is there cannot wait for it. */
function answerEarly(request: string, play: (socket: net.Socket) => unknown): void {
  if (!request.endsWith('begin')) return;
  const looking = setInterval(() => {
    const connection = backend.connections.find(({ text }) => text.endsWith('begin'));
    if (connection === undefined) return;
    clearInterval(looking);
    playing!.connection = connection;
    play(connection.socket);
  }, 2);
}

async function failuresNow(): Promise<{ failures: Record<string, number>; leases: number }> {
  const samples = await scrape(fairlead);
  const ofReason = (reason: string) => sumOf(samples, 'fairlead_backend_failures_total', { reason });
  const failures = { 'bad-response': ofReason('bad-response'), 'backend-reset': ofReason('backend-reset') };
  return { failures, leases: sumOf(samples, 'fairlead_backend_active') };
}

async function expectSeen(
  client: RawClient,
  { sees, client: afterwards, bytes, request }: ResponseCase,
): Promise<void> {
  if (afterwards === 'is reset') {
    expect((await client.ended()).ending).toBe('reset');
    expect(readMessages(client.text).messages, client.text).toEqual([]);
    return;
  }
  if (typeof sees === 'object' && 'error' in sees) {
    const answers = () => readMessages(client.text).messages.filter(({ status }) => status >= 200);
    await client.until(() => answers().length > 0 || client.ending !== undefined, 'error');
    const [answer] = answers();
    expect([answer?.status, fieldOf(answer!, 'Fairlead-Error')], request).toEqual([502, 'backend-failed']);
    expect(answer?.body).toContain(sees.error);
    client.text = '';
    return;
  }
  const expected = sees === 'the same' ? bytes : sees.bytes;
  await client.until(() => client.text.length >= expected.length || client.ending !== undefined, 'answer');
  if (afterwards === 'closes') expect((await client.ended()).ending).toBe('fin');
  expect(client.text).toBe(expected);
  client.text = '';
}

/** The next request, on the client's connection if that goes on, must get its own answer, and goes where it may. */
async function expectNext(client: RawClient, { client: afterwards, backend: kept }: ResponseCase): Promise<void> {
  const { connection } = playing!;
  if (kept === 'is dropped') await eventually(() => connection!.ending !== undefined, 'end of the backend connection');
  const next = afterwards === 'goes on' ? client : await connectTo(fairlead.address());
  expect(next.text).toBe('');
  expect((await next.send(get('/next')).answer()).body).toBe('next');
  const carried = connection!.requests.filter(({ startLine }) => startLine.includes('/next'));
  expect(carried).toHaveLength(kept === 'is kept' ? 1 : 0);
  next.close();
}

async function run(given: ResponseCase, pieces: readonly string[]): Promise<void> {
  backend.forget();
  await eventually(() => backend.connections.length === 0, 'end of former connections');
  const before = await failuresNow();
  const play = (socket: net.Socket) => send(socket, pieces, given.end);
  playing = { play };
  const client = await connectTo(fairlead.address());
  const request = given.request ?? get();
  client.send(request);
  answerEarly(request, play);
  await expectSeen(client, given);
  await expectNext(client, given);
  client.close();
  const { failures, leases } = await failuresNow();
  expect(leases).toBe(0);
  if (given.failure !== '') before.failures[given.failure]!++;
  expect(failures).toEqual(before.failures);
}

const bySection = Object.entries(Object.groupBy(responseCases, ({ section }) => section));

describe.each(bySection)('a response: %s', (_section, cases) => {
  it.each(cases ?? [])('$name', async (given) => {
    await run(given, [given.bytes]);
  });

  it.each(cases ?? [])('$name, read as Node reads it', ({ bytes, request = 'GET' }) => {
    const method = request.slice(0, request.indexOf(' ') >>> 0) || 'GET';
    const everyByte = Array.from({ length: Math.min(bytes.length, 400) }, (_, i) => i + 1);
    expect(parserFault(bytes, { method }, [...everyByte.slice(0, -1), bytes.length])).toBe('');
  });
});

describe('a response that comes in two pieces', () => {
  const cases = responseCases.filter(({ bytes, backend }) => bytes.length > 1 && backend === 'is kept');
  it.each(cases)('$section: $name', async (given) => {
    const at = Buffer.from(given.name).reduce((sum, byte) => sum + byte, 0) % given.bytes.length;
    await run(given, [given.bytes.slice(0, at), given.bytes.slice(at)]);
  });
});
