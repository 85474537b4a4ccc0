import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { get, head } from '../http1/request-text.ts';
import { fieldOf, readMessages } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { expectOnlyRefused, expectRefused } from '../support/own-answer.ts';
import { connectTo, type RawClient, sendAll } from '../support/raw-client.ts';
import { type RecordingBackend, startBackend } from '../support/recording-backend.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';

const LIMITS = { headerBytes: 1024, bodyBytes: 1000 };
const TIMES_MS = { header: 300, body: 300, idle: 300 };

let backend: RecordingBackend;
let fairlead: RunningFairlead;
let client: RawClient;

beforeAll(async () => {
  backend = await startBackend();
  const timeouts = { header: `${TIMES_MS.header}ms`, body: `${TIMES_MS.body}ms`, idle: `${TIMES_MS.idle}ms` };
  fairlead = await runFairlead(webConfig([backend.address], { limits: LIMITS, timeouts }));
});
afterEach(() => {
  client?.close();
  backend.forget();
});
afterAll(closeOpened);

const connect = async (): Promise<RawClient> => {
  client = await connectTo(fairlead.address());
  return client;
};

const nothingAtBackend = (): void => {
  expect({ connections: backend.connections.length, text: backend.text }).toEqual({ connections: 0, text: '' });
};

/** The backend saw a request that was cut off: no end of it, and the end of its connection. */
const cutOffAtBackend = async (): Promise<void> => {
  await expect.poll(() => backend.connections.map(({ ending }) => ending), { interval: 5 }).not.toContain(undefined);
  expect(backend.connections).toHaveLength(1);
  expect(backend.requests).toEqual([]);
};

describe('431: a head that is too large', () => {
  const tooLarge = { status: 431, code: 'head-too-large', problem: 'a head of more than 1024 bytes' };
  const padded = (bytes: number): string => get(`X: ${'x'.repeat(bytes - get('X: ').length)}`);

  it('goes through at the limit', async () => {
    expect(padded(1024)).toHaveLength(1024);
    expect(await (await connect()).send(padded(1024)).answer()).toMatchObject({ status: 200 });
    expect(await client.send(padded(1024)).answer()).toMatchObject({ status: 200 });
    expect(backend.requests).toHaveLength(2);
  });

  it.each([
    ['one byte more', padded(1025)],
    ['a field without end', get().slice(0, -2) + 'X'.repeat(2000)],
    ['a target without end', `GET /${'a'.repeat(2000)}`],
    ['a method without end', 'G'.repeat(2000)],
    ['empty lines and one byte more', `\r\n\r\n${padded(1025)}`],
  ])('is refused with %s', async (_name, text) => {
    expectOnlyRefused(await sendAll(fairlead.address(), text), tooLarge);
    nothingAtBackend();
  });

  it('is refused when it comes in pieces that are each small enough, without a line end', async () => {
    await connect();
    for (let i = 0; i < 12 && client.ending === undefined; i++) {
      client.send(i === 0 ? 'GET /' : 'a'.repeat(100));
      await pause(1);
    }
    expectOnlyRefused(await client.ended(), tooLarge);
    nothingAtBackend();
  });

  it('is refused with more than 256 fields, however short', async () => {
    const fields = (count: number) => head('GET / HTTP/1.0', ...Array.from({ length: count }, () => 'a:'));
    const roomy = await runFairlead(webConfig([backend.address], { limits: { headerBytes: '16KiB' } }));
    const outcome = await sendAll(roomy.address(), fields(257));
    expectOnlyRefused(outcome, { ...tooLarge, problem: 'more than 256 fields' });
    nothingAtBackend();
    expect((await sendAll(roomy.address(), fields(256))).text).toMatch(/^HTTP\/1.1 200 /);
    await roomy.close();
  });

  it('is refused behind a request that is in order, whose answer comes first', async () => {
    const { text, ending } = await sendAll(fairlead.address(), get('X: 1') + padded(1025));
    const { messages, rest } = readMessages(text);
    expect(messages.map(({ status }) => status)).toEqual([200, 431]);
    expectRefused(messages[1]!, tooLarge);
    expect({ rest, ending }).toEqual({ rest: '', ending: 'fin' });
    expect(backend.requests).toMatchObject([{ startLine: 'GET / HTTP/1.1' }]);
  });
});

describe('413: a body that is too large', () => {
  const tooLarge = { status: 413, code: 'body-too-large', problem: 'larger than 1000 bytes' };
  const sized = (bytes: number) => head('POST / HTTP/1.1', 'Host: a', `Content-Length: ${bytes}`);
  const inChunks = head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked');
  const chunk = (bytes: number) => `${bytes.toString(16)};x=y\r\n${'x'.repeat(bytes)}\r\n`;

  it.each([
    ['by its length', `${sized(1000)}${'x'.repeat(1000)}`],
    ['by its chunks, whose framing does not count', `${inChunks}${chunk(1).repeat(1000)}0\r\n\r\n`],
  ])('goes through at the limit: %s', async (_name, text) => {
    expect(await (await connect()).send(text).answer()).toMatchObject({ status: 200 });
    expect(backend.requests.map(({ body }) => body)).toEqual(['x'.repeat(1000)]);
  });

  it.each([
    ['by its length, before any of it comes', sized(1001)],
    ['by its length, with all of it', `${sized(1001)}${'x'.repeat(1001)}`],
    ['by a length of many digits', sized(999_999_999_999_999)],
    ['by its chunks', `${inChunks}${chunk(1000)}${chunk(1)}0\r\n\r\n`],
    ['by its first chunk, before it ends', `${inChunks}400\r\n${'x'.repeat(1001)}`],
    ['asking first', head('PUT / HTTP/1.1', 'Host: a', 'Content-Length: 1001', 'Expect: 100-continue')],
  ])('is refused %s', async (_name, text) => {
    expectOnlyRefused(await sendAll(fairlead.address(), text), tooLarge);
    nothingAtBackend();
  });

  it('is refused by its chunks when its head is gone already, and cut off at the backend', async () => {
    await connect();
    client.send(inChunks + chunk(999));
    await expect.poll(() => backend.text, { interval: 5 }).toMatch(/x{999}\r\n$/);
    client.send(`${chunk(2)}0\r\n\r\n`);
    expectOnlyRefused(await client.ended(), tooLarge);
    await cutOffAtBackend();
  });

  it.each([
    ['of a known length', `${sized(1001)}${'x'.repeat(1001)}`],
    ['in chunks', `${inChunks}${chunk(1001)}0\r\n\r\n`],
  ])('answers no request behind a body %s', async (_name, text) => {
    expectOnlyRefused(await sendAll(fairlead.address(), text + get()), tooLarge);
    nothingAtBackend();
  });
});

describe('408: a request that does not come in time', () => {
  const slowHead = { status: 408, code: 'request-timeout', problem: 'the request head did not arrive in time' };
  const slowBody = { status: 408, code: 'request-timeout', problem: 'the request body did not arrive in time' };

  it.each([
    ['its first byte', 'G'],
    ['its request line', 'GET / HTTP/1.1\r\n'],
    ['all but the last byte', get().slice(0, -1)],
  ])('is refused when nothing follows %s', async (_name, text) => {
    const begun = performance.now();
    expectOnlyRefused(await sendAll(fairlead.address(), text), slowHead);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(TIMES_MS.header - 5);
    nothingAtBackend();
  });

  it('is refused although bytes keep coming: the time is for the whole head', async () => {
    await connect();
    const begun = performance.now();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n');
    for (let i = 0; i < 500 && client.ending === undefined; i++) {
      client.send(`X${i}: 1\r\n`);
      await pause(20);
    }
    expectOnlyRefused(await client.ended(), slowHead);
    expect(performance.now() - begun).toBeLessThan(TIMES_MS.header * 10);
    nothingAtBackend();
  });

  it('is refused on a connection that has served before', async () => {
    await connect();
    expect(await client.send(get()).answer()).toMatchObject({ status: 200 });
    client.send('GET / HT');
    expectOnlyRefused(await client.ended(), slowHead);
    expect(backend.requests).toHaveLength(1);
  });

  it('is refused when its body stops coming, and cut off at the backend', async () => {
    client = await connect();
    client.send(`${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 5')}abc`);
    expectOnlyRefused(await client.ended(), slowBody);
    await cutOffAtBackend();
  });

  it('goes through when its body comes slowly but keeps coming', async () => {
    client = await connect();
    client.send(head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 20'));
    for (let i = 0; i < 20; i++) {
      client.send('x');
      await pause(TIMES_MS.body / 10);
    }
    expect(await client.answer()).toMatchObject({ status: 200 });
    expect(backend.requests).toMatchObject([{ body: 'x'.repeat(20) }]);
  });

  it('says nothing to a connection on which no request has begun', async () => {
    await connect();
    expect(await client.ended()).toEqual({ text: '', ending: 'fin' });
    client.close();
    await connect();
    await client.send(get()).answer();
    expect(await client.ended()).toEqual({ text: '', ending: 'fin' });
  });
});

describe('501: what Fairlead does not do', () => {
  it('CONNECT, whatever is sent behind it', async () => {
    const text = `${head('CONNECT a:443 HTTP/1.1', 'Host: a:443')}\x16\x03\x01`;
    const refusal = { status: 501, code: 'not-implemented', problem: 'CONNECT is not supported' };
    expectOnlyRefused(await sendAll(fairlead.address(), text), refusal);
    nothingAtBackend();
  });
});

describe('a refusal', () => {
  it('to HTTP/1.0 and to HEAD is as readable as any', async () => {
    const problem = 'more than one Host';
    const expected = { status: 400, code: 'bad-request', problem };
    const twoHosts = (line: string) => head(line, 'Host: a', 'Host: b');
    expectOnlyRefused(await sendAll(fairlead.address(), twoHosts('GET / HTTP/1.0')), expected);
    const { messages } = readMessages((await sendAll(fairlead.address(), twoHosts('HEAD / HTTP/1.1'))).text);
    expect(fieldOf(messages[0]!, 'Fairlead-Error')).toBe('bad-request');
    nothingAtBackend();
  });
});
