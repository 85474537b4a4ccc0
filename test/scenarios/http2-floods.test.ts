import { afterEach, describe, expect, it } from 'vitest';
import { block, connectFrames, Flag, Frame, type FrameClient, frame, pseudo } from '../support/h2-frames.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

const ENHANCE_YOUR_CALM = 11;

async function stage() {
  const backend = await startBackend(answerText('ok'));
  const lb = await runFairlead({ ...webConfig([backend.address]), admin: { bind: '127.0.0.1:0' } });
  return { backend, lb, client: await connectFrames(lb.address()) };
}

const rst = (stream: number) => frame(Frame.rstStream, 0, stream, Buffer.from([0, 0, 0, 8]));
const ping = frame(Frame.ping, 0, 0, Buffer.alloc(8));
const open = (stream: number, flags: number, ...fields: [string, string][]) =>
  frame(Frame.headers, flags, stream, block([...pseudo(), ...fields]));

/** Sends `make(i)` for i = 0, 1, … in bursts until the connection is closed. */
async function flood(client: FrameClient, make: (i: number) => Buffer, most = 40_000, burst = 50): Promise<void> {
  for (let i = 0; i < most && !client.closed && client.goawayCode === undefined; i += burst) {
    client.send(...Array.from({ length: burst }, (_, k) => make(i + k)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(async () => client.closed, 'the end of the connection');
}

const floods: [string, (i: number) => Buffer][] = [
  ['streams that are opened and reset', (i) => Buffer.concat([open(2 * i + 1, Flag.endHeaders), rst(2 * i + 1)])],
  ['pings', () => ping],
  ['settings', () => frame(Frame.settings, 0, 0)],
  ['acknowledgements of settings', () => frame(Frame.settings, Flag.ack, 0)],
  ['windows that are opened by a byte', () => frame(Frame.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1]))],
  ['priorities', () => frame(Frame.priority, 0, 1, Buffer.alloc(5))],
  ['goodbyes', () => frame(Frame.goaway, 0, 0, Buffer.alloc(8))],
  ['frames of a type that is not known', () => frame(0xbe, 0, 0)],
];

describe('a client that floods its connection', () => {
  it.each(floods)('with %s is closed and counted', async (_, make) => {
    const { lb, client } = await stage();
    await flood(client, make);
    expect(client.goawayCode).toBe(ENHANCE_YOUR_CALM);
    expect(await metric(lb, 'refusals_total', { reason: 'http2-flood' })).toBe(1);
    expect(await metric(lb, 'connections_active')).toBe(0);
  });

  it('with malformed requests is closed and counted', async () => {
    const { lb, client, backend } = await stage();
    await flood(client, (i) => open(2 * i + 1, Flag.endHeaders | Flag.endStream, ['host', 'b.test']));
    expect(client.goawayCode).toBe(ENHANCE_YOUR_CALM);
    expect(await metric(lb, 'refusals_total', { reason: 'http2-flood' })).toBe(1);
    expect(backend.requests).toHaveLength(0);
  });

  it('with empty frames of data is closed and counted', async () => {
    const { lb, client } = await stage();
    client.send(open(1, Flag.endHeaders));
    await flood(client, () => frame(Frame.data, 0, 1));
    expect(client.goawayCode).toBe(ENHANCE_YOUR_CALM);
    expect(await metric(lb, 'refusals_total', { reason: 'http2-flood' })).toBe(1);
  });

  it('with continuations of one head is closed and counted', async () => {
    const { lb, client } = await stage();
    client.send(open(1, 0));
    await flood(client, (i) => frame(Frame.continuation, 0, 1, block([[`x-${i}`, 'y'.repeat(100)]])));
    expect(client.goawayCode).toBe(ENHANCE_YOUR_CALM);
    expect(await metric(lb, 'refusals_total', { reason: 'http2-flood' })).toBe(1);
  });

  it('with fields beyond the limit has its stream reset', async () => {
    const { backend, client } = await stage();
    const fields: [string, string][] = Array.from({ length: 280 }, (_, i) => [`x-${i}`, 'v'.repeat(20)]);
    client.send(open(1, Flag.endHeaders | Flag.endStream, ...fields));
    await eventually(async () => client.of(Frame.headers, 1).length > 0, 'an answer');
    const more: [string, string][] = Array.from({ length: 400 }, (_, i) => [`x-${i}`, 'v']);
    client.send(open(3, Flag.endHeaders | Flag.endStream, ...more));
    await eventually(async () => client.resetCode(3) === ENHANCE_YOUR_CALM, 'a reset');
    expect(backend.requests).toHaveLength(0);
  });

  it('with more streams than it may have is refused them', async () => {
    const backend = await startBackend(() => undefined);
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectFrames(lb.address());
    for (let i = 0; i < 140; i++) client.request(2 * i + 1, pseudo());
    await eventually(async () => client.resetCode(2 * 139 + 1) === 7, 'a refused stream');
    expect(backend.connections.length).toBeLessThanOrEqual(128);
  });
});

describe('what HTTP/2 lets through and HTTP/1.1 would read as something else', () => {
  const cases: [string, [string, string][], string][] = [
    ['a line end in a value', [...pseudo(), ['x', 'a\r\nGET /evil HTTP/1.1']], ''],
    ['a line end in the path', pseudo('/ HTTP/1.1\r\nx: y'), ''],
    ['a space in the path', pseudo('/ HTTP/1.1'), ''],
    ['a line end in the method', pseudo('/', 'GET / HTTP/1.1\r\nHost: x\r\n\r\nGET'), ''],
    ['a colon in a name', [...pseudo(), ['transfer-encoding: chunked\r\nx', 'y']], ''],
    [
      'a transfer-encoding',
      [...pseudo('/', 'POST'), ['transfer-encoding', 'chunked']],
      '0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n',
    ],
    [
      'a length shorter than the body',
      [...pseudo('/', 'POST'), ['content-length', '1']],
      'xGET /evil HTTP/1.1\r\nHost: a\r\n\r\n',
    ],
    ['two lengths', [...pseudo('/', 'POST'), ['content-length', '1'], ['content-length', '3']], 'abc'],
    ['two hosts', [...pseudo(), ['host', 'b.test']], ''],
  ];

  it.each(cases)('reaches no backend: %s', async (_, fields, body) => {
    const { backend, client } = await stage();
    client.request(1, fields, body === '');
    if (body !== '') client.send(frame(Frame.data, Flag.endStream, 1, Buffer.from(body, 'latin1')));
    const refused = () => client.resetCode(1) !== undefined || client.of(Frame.headers, 1).length > 0 || client.closed;
    await eventually(async () => refused(), 'a refusal');
    expect(backend.text).not.toMatch(/evil|chunked/);
    expect(backend.requests).toHaveLength(0);
  });

  it.each([0, 2, 8])('is not the end of a request: a reset with code %i amid its body', async (code) => {
    const { backend, client } = await stage();
    client.request(1, pseudo('/', 'POST'), false).send(frame(Frame.data, 0, 1, Buffer.from('half')));
    await eventually(async () => backend.text.includes('half'), 'half of the body');
    client.send(frame(Frame.rstStream, 0, 1, Buffer.from([0, 0, 0, code])));
    await eventually(async () => backend.connections[0]!.ending !== undefined, 'the end of the request');
    expect(backend.requests).toHaveLength(0);
  });
});
