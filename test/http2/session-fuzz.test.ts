import { describe, expect, it } from 'vitest';
import { FieldList } from '../../src/http2/field.ts';
import { HpackDecoder } from '../../src/http2/hpack-decoder.ts';
import { Random } from '../fuzz/random.ts';
import { block, Flag, Frame, frame, framesIn, PREFACE, pseudo } from '../support/h2-frames.ts';
import { SessionStage } from '../support/h2-session.ts';

const SEED = 20_261_128;
const CASES = 2000;
const END = Flag.endHeaders | Flag.endStream;

const answers = [
  'HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n',
  `HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`,
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx: y\r\n\r\n',
];

/** Heads with entries of the tables, Huffman's code, changes of size, and what is malformed. */
const heads = [
  block(pseudo()),
  block([...pseudo('/a', 'POST'), ['content-length', '5'], ['cookie', 'a=1']]),
  block([...pseudo(), ['connection', 'x']]),
  Buffer.from('828684418cf1e3c2e5f23a6ba0ab90f4ff', 'hex'),
  Buffer.from('828684be5886a8eb10649cbf', 'hex'),
  Buffer.from('203fe11f828684be', 'hex'),
  Buffer.concat([
    block([
      [':method', 'CONNECT'],
      [':protocol', 'websocket'],
    ]),
    block(pseudo().slice(1)),
  ]),
  block([['x-sum', '1']]),
];

function someFrame(random: Random): Buffer {
  const stream = random.pick([0, 1, 1, 3, 3, 5, 7, 9, 2, random.next() & 0x7fff_ffff]);
  const flags = random.oneIn(8) ? random.below(256) : random.pick([0, 1, 4, 5, 5, 5, 13, 37]);
  const bytes = Buffer.alloc(random.pick([0, 4, 5, 8, 20, 300]), random.below(256));
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      return frame(
        Frame.headers,
        random.oneIn(3) ? flags : random.pick([Flag.endHeaders, END]),
        stream,
        random.pick(heads),
      );
    case 3:
      return frame(Frame.data, flags, stream, bytes);
    case 4:
      return frame(
        Frame.windowUpdate,
        0,
        stream,
        Buffer.from([0, random.below(3), random.below(256), random.below(256)]),
      );
    case 5:
      return frame(Frame.rstStream, 0, stream, Buffer.from([0, 0, 0, random.below(16)]));
    case 6:
      return frame(
        Frame.settings,
        0,
        0,
        Buffer.from([0, random.below(10), 0, random.below(2), random.below(256), random.below(256)]),
      );
    case 7:
      return frame(Frame.continuation, random.pick([0, 4]), stream, random.pick(heads));
    default:
      return frame(random.below(12), flags, stream, bytes);
  }
}

/** A connection's bytes: frames that make some sense, in most cases with a few bytes changed, left out or doubled. */
function someBytes(random: Random): Buffer {
  const frames = Array.from({ length: 1 + random.below(25) }, () => someFrame(random));
  let bytes = Buffer.concat([Buffer.from(PREFACE), frame(Frame.settings, 0, 0), ...frames]);
  for (let left = random.below(4); left > 0; left--) {
    const at = random.oneIn(20) ? random.below(33) : 33 + random.below(bytes.length - 33);
    if (random.oneIn(2)) bytes[at] = random.below(256);
    else {
      const until = at + random.below(12);
      const middle = random.oneIn(2) ? [] : [bytes.subarray(at, until), bytes.subarray(at, until)];
      bytes = Buffer.concat([bytes.subarray(0, at), ...middle, bytes.subarray(until)]);
    }
  }
  return bytes;
}

/** What holds of all that a session sends, whatever came. */
function check(sent: Buffer): void {
  const { frames, rest } = framesIn(sent);
  expect(rest).toHaveLength(0);
  const decoder = new HpackDecoder();
  const list = new FieldList(300, 65_536);
  const over = new Set<number>();
  for (const { type, flags, stream, payload } of frames) {
    expect(payload.length).toBeLessThanOrEqual(16_384);
    if (type > Frame.headers) continue;
    // Nothing follows the end of a stream.
    expect(over.has(stream)).toBe(false);
    if ((flags & Flag.endStream) !== 0) over.add(stream);
    if (type === Frame.headers) expect(decoder.decode(payload, 0, payload.length, list)).toBe(true);
  }
}

function run(random: Random): void {
  const stage = new SessionStage();
  stage.onAsked = (asked) => {
    asked.goOn = !random.oneIn(4);
    if (!random.oneIn(3)) asked.wire.writeText(random.pick(answers));
    if (random.oneIn(4)) asked.wire.end();
    if (random.oneIn(8)) asked.wire.reset();
  };
  const bytes = someBytes(random);
  const sent: Buffer[] = [];
  stage.session.start(undefined);
  let pos = 0;
  for (const cut of random.cuts(bytes.length)) {
    stage.wire.backedUp = random.oneIn(5);
    stage.take(bytes.subarray(pos, cut));
    pos = cut;
    if (random.oneIn(3)) stage.session.out.afterPoll();
    if (!stage.wire.backedUp) stage.wire.sink.onDrain();
    for (const asked of stage.asked) if (random.oneIn(6)) asked.wire.writeText(random.pick(answers));
    sent.push(...stage.wire.sent.splice(0));
  }
  stage.wire.backedUp = false;
  stage.wire.sink.onDrain();
  stage.session.out.afterPoll();
  check(Buffer.concat([...sent, ...stage.wire.sent]));
  stage.wire.sink.onClose(undefined);
  expect(stage.gone).toBe(1);
  expect(stage.refused.length).toBeLessThanOrEqual(1);
  expect(stage.asked.filter(({ closed }) => closed === undefined)).toHaveLength(0);
}

describe('a session', () => {
  it('survives any bytes, sends only what is HTTP/2, and leaves no stream open', () => {
    const from = Number(process.env['FUZZ_CASE'] ?? 0);
    for (let index = from; index < from + CASES; index++) {
      try {
        run(new Random(SEED, index));
      } catch (error) {
        throw new Error(`case ${index} of seed ${SEED}: ${(error as Error).stack}`, { cause: error });
      }
    }
  });
});
