import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { refusedChunks } from '../http1/chunk-cases.ts';
import { refusedRequests } from '../http1/refused-requests.ts';
import { get, head } from '../http1/request-text.ts';
import { fieldOf, readMessages } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { expectOnlyRefused, expectRefused } from '../support/own-answer.ts';
import { connectTo, sendAll } from '../support/raw-client.ts';
import { type RecordingBackend, startBackend } from '../support/recording-backend.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';

let backend: RecordingBackend;
let fairlead: RunningFairlead;

beforeAll(async () => {
  backend = await startBackend();
  fairlead = await runFairlead(webConfig([backend.address], { timeouts: { header: '5s', body: '5s' } }));
});
afterEach(() => backend.forget());
afterAll(closeOpened);

const post = head('POST /up HTTP/1.1', 'Host: a.example', 'Transfer-Encoding: chunked');

/** What must not get through, and what is answered: a request, and words of the cause. */
const malformed = [
  ...refusedRequests.map(({ section, name, text, problem }) => ({
    name: `${section}: ${name}`,
    text,
    problem,
    ...(text.startsWith('CONNECT') ? { status: 501, code: 'not-implemented' } : { status: 400, code: 'bad-request' }),
  })),
  ...refusedChunks.map(({ name, text, problem }) => ({
    name: `7.1 chunked coding: ${name}`,
    text: post + text,
    problem,
    ...{ status: 400, code: 'bad-request' },
  })),
];

/** No connection and no byte, not now and not once a request that is in order has gone the same way. */
async function expectNothingAtBackend(): Promise<void> {
  expect({ connections: backend.connections.length, text: backend.text }).toEqual({ connections: 0, text: '' });
  const client = await connectTo(fairlead.address());
  expect(await client.send(get('X: after')).answer()).toMatchObject({ status: 200 });
  client.close();
  expect(backend.requests.map((request) => fieldOf(request, 'X'))).toEqual(['after']);
  expect(readMessages(backend.text)).toMatchObject({ messages: [{ startLine: 'GET / HTTP/1.1' }], rest: '' });
}

describe('a malformed request is refused, the connection closed, and nothing of it reaches a backend', () => {
  it.each(malformed)('$name', async ({ text, ...expected }) => {
    expectOnlyRefused(await sendAll(fairlead.address(), text), expected);
    await expectNothingAtBackend();
  });
});

describe('also when it comes a byte at a time', () => {
  const heads = malformed.filter(({ text }) => !text.startsWith(post) && text.endsWith('\r\n\r\n'));

  it.each(heads)('$name', async ({ text, ...expected }) => {
    const client = await connectTo(fairlead.address());
    for (const byte of text) {
      if (client.ending !== undefined) break;
      client.send(byte);
      await nextTurn();
    }
    expectOnlyRefused(await client.ended(), expected);
    client.close();
    await expectNothingAtBackend();
  });
});

describe('behind a request that is in order', () => {
  const first = `${head('POST /first HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`;

  it.each(malformed)('$name', async ({ text, ...expected }) => {
    const outcome = await sendAll(fairlead.address(), first + text);
    const { messages, rest } = readMessages(outcome.text);
    expect(messages.map(({ status }) => status)).toEqual([200, expected.status]);
    expect(messages[0]).toMatchObject({ body: 'ok' });
    expectRefused(messages[1]!, expected);
    expect({ rest, ending: outcome.ending }).toEqual({ rest: '', ending: 'fin' });
    expect(readMessages(backend.text)).toMatchObject({
      messages: [{ startLine: 'POST /first HTTP/1.1', body: 'hello' }],
      rest: '',
    });
  });
});

describe('a body that turns out malformed when its head is gone already', () => {
  it.each(refusedChunks)('$name', async ({ text, problem }) => {
    const client = await connectTo(fairlead.address());
    const good = '3\r\nabc\r\n';
    client.send(post + good);
    await client.until(() => backend.text.endsWith(good) || client.ending !== undefined, 'sight of the first chunk');
    client.send(text);
    expectOnlyRefused(await client.ended(), { status: 400, code: 'bad-request', problem });
    client.close();
    // The backend sees a request without its end, and the end of the connection.
    const [connection] = backend.connections;
    await client.until(() => connection?.ending !== undefined, 'end at the backend');
    expect(connection?.requests).toEqual([]);
    expect(connection?.text.endsWith(good)).toBe(true);
    expect(backend.connections).toHaveLength(1);
  });
});

describe('what goes through although others stumble over it', () => {
  it('is sent to the authority of an absolute target, not to that of Host (RFC 9112 §3.2.2)', async () => {
    const client = await connectTo(fairlead.address());
    await client.send(head('GET http://b.example/x HTTP/1.1', 'Host: a.example')).answer();
    client.close();
    expect(backend.requests).toMatchObject([{ startLine: 'GET /x HTTP/1.1' }]);
    expect(fieldOf(backend.requests[0]!, 'Host')).toBe('b.example');
  });

  it('keeps trailers behind the body (RFC 9112 §7.1.2)', async () => {
    const client = await connectTo(fairlead.address());
    await client.send(`${post}3;x=y\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`).answer();
    client.close();
    expect(backend.requests).toMatchObject([{ body: 'abc', trailers: ['X-Sum: 1'] }]);
    expect(fieldOf(backend.requests[0]!, 'X-Sum')).toBe('');
  });

  it('may have empty lines before and between requests (RFC 9112 §2.2)', async () => {
    const client = await connectTo(fairlead.address());
    const body = `${head('POST /2 HTTP/1.1', 'Host: a', 'Content-Length: 2')}ab`;
    expect(await client.send(`\r\n${get()}\r\n\r\n${body}\r\n${get()}`).answers(3)).toMatchObject(
      [200, 200, 200].map((status) => ({ status })),
    );
    client.send('\r');
    await nextTurn();
    expect(await client.send(`\n${get()}`).answers(4)).toHaveLength(4);
    client.close();
    expect(backend.requests).toHaveLength(4);
  });
});

describe('a connection that is refused', () => {
  it('takes in what the client still sends, so that the answer is not lost by a reset (RFC 9112 §9.6)', async () => {
    const client = await connectTo(fairlead.address());
    client.send(get('X : 1')).send('x'.repeat(4_000_000)).end();
    expectOnlyRefused(await client.ended(), { status: 400, code: 'bad-request', problem: 'white space' });
    await client.until(() => client.socket.closed, 'both ends closed');
    expect(client.ending).toBe('fin');
    await expectNothingAtBackend();
  });

  it('answers no request behind the malformed one', async () => {
    const outcome = await sendAll(fairlead.address(), get('X : 1') + get());
    expectOnlyRefused(outcome, { status: 400, code: 'bad-request', problem: 'white space' });
    await expectNothingAtBackend();
  });
});
