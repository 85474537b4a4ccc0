import { describe, expect, it } from 'vitest';
import { block, Flag, Frame, frame, PREFACE, pseudo } from '../support/h2-frames.ts';
import {
  begun,
  data,
  END,
  get,
  number,
  post,
  rst,
  SessionStage,
  setting,
  TestWire,
  told,
  window,
} from '../support/h2-session.ts';

/** Trailers are announced, so that its body becomes chunks, which say nothing of its length. */
const inChunks = post(1, ['content-length', '2'], ['trailer', 'x']);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('a connection', () => {
  it('begins with settings and acknowledges those of the client', () => {
    const stage = new SessionStage().begin();
    const [settings, update, ack] = stage.frames();
    expect(settings).toMatchObject({ type: Frame.settings, flags: 0, stream: 0 });
    expect(settings!.payload.toString('hex')).toBe('00030000008000040000ffff000600010000000800000001');
    expect(update).toMatchObject({ type: Frame.windowUpdate, stream: 0 });
    expect(ack).toMatchObject({ type: Frame.settings, flags: Flag.ack });
    expect(stage.wire.reading).toBe(true);
  });

  // RFC 9113: what must end a connection, and with which code.
  const fatal: [string, string, Buffer[], number][] = [
    ['§3.4', 'another frame before SETTINGS', [], 1],
    ['§4.2', 'a frame that is too large', [Buffer.from([0, 0x40, 1, 0, 0, 0, 0, 0, 1])], 6],
    ['§5.1', 'DATA on an idle stream', [data(1, 'x')], 1],
    ['§5.1', 'WINDOW_UPDATE on an idle stream', [window(1, 1)], 1],
    ['§5.1', 'RST_STREAM on an idle stream', [rst(1)], 1],
    ['§5.1.1', 'a stream with an even number', [get(2)], 1],
    ['§5.1.1', 'HEADERS on stream 0', [get(0)], 1],
    ['§6.1', 'DATA on stream 0', [data(0, 'x')], 1],
    ['§6.1', 'padding that is longer than the frame', [post(1), data(1, '\x05abc', Flag.padded)], 1],
    ['§6.1', 'padding without a length', [post(1), data(1, '', Flag.padded)], 1],
    [
      '§6.2',
      'padding that is longer than a head',
      [frame(Frame.headers, END | Flag.padded, 1, Buffer.from([9, 0x82]))],
      1,
    ],
    ['§6.2', 'a head too short for its priority', [frame(Frame.headers, END | Flag.priority, 1, Buffer.alloc(4))], 1],
    [
      '§6.2',
      'a frame amid a head',
      [frame(Frame.headers, 0, 1, block(pseudo())), frame(Frame.ping, 0, 0, Buffer.alloc(8))],
      1,
    ],
    ['§6.3', 'PRIORITY on stream 0', [frame(Frame.priority, 0, 0, Buffer.alloc(5))], 1],
    ['§6.3', 'PRIORITY of another length', [frame(Frame.priority, 0, 1, Buffer.alloc(4))], 6],
    ['§6.4', 'RST_STREAM of another length', [get(1), frame(Frame.rstStream, 0, 1, Buffer.alloc(3))], 6],
    ['§6.4', 'RST_STREAM on stream 0', [rst(0)], 1],
    ['§6.5', 'SETTINGS on a stream', [frame(Frame.settings, 0, 1)], 1],
    ['§6.5', 'an acknowledgement that says something', [frame(Frame.settings, Flag.ack, 0, Buffer.alloc(6))], 6],
    ['§6.5', 'SETTINGS of a length that is none', [frame(Frame.settings, 0, 0, Buffer.alloc(5))], 6],
    ['§6.5.2', 'ENABLE_PUSH of 2', [setting(2, 2)], 1],
    ['§6.5.2', 'a window beyond 2^31 - 1', [setting(4, 0x8000_0000)], 3],
    ['§6.5.2', 'a frame size that is too small', [setting(5, 16_383)], 1],
    ['§6.5.2', 'a frame size that is too large', [setting(5, 0x100_0000)], 1],
    [
      '§6.6',
      'PUSH_PROMISE',
      [get(1), frame(Frame.pushPromise, Flag.endHeaders, 1, Buffer.from([0, 0, 0, 2, 0x82]))],
      1,
    ],
    ['§6.7', 'PING on a stream', [frame(Frame.ping, 0, 1, Buffer.alloc(8))], 1],
    ['§6.7', 'PING of another length', [frame(Frame.ping, 0, 0, Buffer.alloc(7))], 6],
    ['§6.8', 'GOAWAY on a stream', [frame(Frame.goaway, 0, 1, Buffer.alloc(8))], 1],
    ['§6.8', 'GOAWAY that is too short', [frame(Frame.goaway, 0, 0, Buffer.alloc(7))], 6],
    ['§6.9', 'WINDOW_UPDATE of another length', [frame(Frame.windowUpdate, 0, 0, Buffer.alloc(3))], 6],
    ['§6.9', 'a window that grows by nothing', [window(0, 0)], 1],
    ['§6.9.1', 'a window beyond 2^31 - 1 by its growth', [window(0, 0x7fff_ffff)], 3],
    [
      '§6.9.2',
      'windows of streams beyond 2^31 - 1 by a setting',
      [post(1), window(1, 0x7fff_0000), setting(4, 0x7fff_ffff)],
      3,
    ],
    ['§6.10', 'CONTINUATION of nothing', [frame(Frame.continuation, Flag.endHeaders, 1, Buffer.from([0x82]))], 1],
    [
      '§6.10',
      'CONTINUATION of another head',
      [frame(Frame.headers, 0, 1, block(pseudo())), frame(Frame.continuation, 4, 3, Buffer.from([0x82]))],
      1,
    ],
    ['§4.3', 'a head that is no HPACK', [frame(Frame.headers, END, 1, Buffer.from([0x80]))], 9],
  ];

  it.each(fatal)('ends by %s: %s', (section, _, frames, code) => {
    const stage = section === '§3.4' ? new SessionStage() : begun();
    if (section === '§3.4') {
      stage.session.start(undefined);
      stage.take(Buffer.from(PREFACE), frame(Frame.ping, 0, 0, Buffer.alloc(8)));
    }
    stage.take(...frames);
    expect(told(stage)).toEqual([`goaway ${code}`]);
    expect(stage.refused).toEqual(['http2-protocol']);
    expect(stage.wire.ended).toBe(true);
    expect(stage.take(get(101)).asked.filter(({ closed }) => closed === undefined)).toHaveLength(0);
  });

  // What must end a stream alone.
  const ofStream: [string, string, Buffer[], number][] = [
    ['§5.1', 'DATA behind the end', [get(1), data(1, 'x')], 5],
    ['§5.1', 'HEADERS behind the end', [get(1), get(1)], 5],
    ['§6.9', 'a window that grows by nothing', [post(1), window(1, 0)], 1],
    ['§6.9.1', 'a window beyond 2^31 - 1', [post(1), window(1, 0x7fff_ffff)], 3],
    [
      '§8.1',
      'trailers that are not the end',
      [post(1), frame(Frame.headers, Flag.endHeaders, 1, block([['x', 'y']]))],
      1,
    ],
    [
      '§8.1',
      'a pseudo-header field among trailers',
      [post(1), frame(Frame.headers, END, 1, block([[':path', '/']]))],
      1,
    ],
    ['§8.1.1', 'more than the length', [post(1, ['content-length', '2']), data(1, 'abc')], 1],
    ['§8.1.1', 'less than the length', [post(1, ['content-length', '2']), data(1, 'a', Flag.endStream)], 1],
    ['§8.1.1', 'more than the length, in chunks', [inChunks, data(1, 'abc')], 1],
    ['§8.1.1', 'less than the length, in chunks', [inChunks, data(1, 'a', Flag.endStream)], 1],
    ['§8.2.1', 'a line end in a trailer', [post(1), frame(Frame.headers, END, 1, block([['x', 'a\r\nb: c']]))], 1],
    [
      '§8.2.2',
      'a field of the connection',
      [frame(Frame.headers, END, 1, block([...pseudo(), ['connection', 'x']]))],
      1,
    ],
  ];

  it.each(ofStream)('goes on without a stream by %s: %s', (_, __, frames, code) => {
    const stage = begun().take(...frames);
    expect(told(stage)).toEqual([`reset 1 ${code}`]);
    stage.take(get(3));
    expect(stage.asked.at(-1)!.text).toBe('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    expect(stage.refused).toEqual([]);
  });

  it('passes over what it need not know', () => {
    const stage = begun();
    stage.take(frame(0xbe, 255, 7, Buffer.alloc(20)), frame(Frame.priority, 0, 9, Buffer.alloc(5)));
    stage.take(setting(0x99, 5), post(1), rst(1), data(1, 'late'), window(1, 5), rst(1));
    stage.take(frame(Frame.headers, END, 1, block([['x', 'late']])));
    expect(told(stage)).toEqual([]);
  });

  it('answers a ping with what it says', () => {
    const stage = begun().take(frame(Frame.ping, 0, 0, Buffer.from('01234567')));
    expect(stage.frames()).toMatchObject([{ type: Frame.ping, flags: Flag.ack, payload: Buffer.from('01234567') }]);
  });

  it('reads heads with padding and a priority, in several frames', () => {
    const fields = block(pseudo());
    const first = Buffer.concat([Buffer.from([3]), Buffer.alloc(5), fields.subarray(0, 10), Buffer.alloc(3)]);
    const stage = begun().take(
      frame(Frame.headers, Flag.endStream | Flag.padded | Flag.priority, 1, first),
      frame(Frame.continuation, 0, 1, fields.subarray(10, 20)),
      frame(Frame.continuation, Flag.endHeaders, 1, fields.subarray(20)),
    );
    expect(stage.asked[0]!.text).toBe('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  });
});

describe('data from a client', () => {
  it('becomes chunks, without the padding, and trailers behind them', () => {
    const stage = begun().take(post(1), data(1, '\x02hello\0\0', Flag.padded), data(1, ' you'));
    stage.take(frame(Frame.headers, END, 1, block([['x-sum', '1']])));
    expect(stage.asked[0]!.text.split('\r\n\r\n').slice(1).join('|')).toBe('5\r\nhello\r\n4\r\n you\r\n0\r\nx-sum: 1|');
  });

  it('is allowed again as it is used up, and held when it is not', async () => {
    const stage = begun().take(post(1));
    const [asked] = stage.asked;
    asked!.goOn = false;
    stage.take(data(1, Buffer.alloc(16_000)));
    stage.take(data(1, Buffer.alloc(16_000)), data(1, Buffer.alloc(16_000)), data(1, Buffer.alloc(16_000)));
    expect(stage.frames()).toEqual([]);
    const before = asked!.text.length;
    asked!.goOn = true;
    asked!.wire.start();
    await Promise.resolve();
    expect(asked!.text.length - before).toBeGreaterThan(48_000);
    expect(stage.frames()).toMatchObject([{ type: Frame.windowUpdate, stream: 1, payload: number(64_000) }]);
  });

  it('beyond the window of its stream ends the stream', () => {
    const stage = begun().take(post(1));
    stage.asked[0]!.goOn = false;
    for (let i = 0; i < 5; i++) stage.take(data(1, Buffer.alloc(16_000)));
    expect(told(stage)).toEqual(['reset 1 3']);
  });

  it('of streams that nobody reads does not hold up the others', () => {
    const stage = begun();
    stage.onAsked = (asked) => {
      asked.goOn = false;
    };
    for (let id = 1; id < 81; id += 2) {
      stage.take(post(id), ...Array.from({ length: 4 }, () => data(id, Buffer.alloc(16_000))));
    }
    const more = stage.frames().map(({ type, stream, payload }) => [type, stream, payload.readUInt32BE(0) > 500_000]);
    expect(more).toEqual(Array(4).fill([Frame.windowUpdate, 0, true]));
  });
});

describe('an answer', () => {
  it('of any shape is as few frames as can be', () => {
    const stage = begun().take(get(1), get(3), get(5), get(7));
    const [whole, empty, chunked, trailed] = stage.asked.map(({ wire }) => wire);
    whole!.writeText(OK);
    empty!.writeText('HTTP/1.1 204 No Content\r\n\r\n');
    chunked!.writeText('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n');
    trailed!.writeText('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
    trailed!.writeText('0\r\nX-Sum: 1\r\n\r\n');
    const shapes = stage
      .frames()
      .map(({ type, flags, stream, payload }) => [stream, type, flags, type === 0 ? `${payload}` : '']);
    expect(shapes).toEqual([
      [1, Frame.headers, Flag.endHeaders, ''],
      [1, Frame.data, Flag.endStream, 'ok'],
      [3, Frame.headers, END, ''],
      [5, Frame.headers, Flag.endHeaders, ''],
      [5, Frame.data, Flag.endStream, 'abc'],
      [7, Frame.headers, Flag.endHeaders, ''],
      [7, Frame.data, 0, 'a'],
      [7, Frame.headers, END, ''],
    ]);
    expect(stage.asked.map(({ closed }) => closed)).toEqual(Array(4).fill('in order'));
  });

  it('waits for the windows of its stream and of the connection', () => {
    const stage = begun([4, 10]).take(get(1));
    const [{ wire }] = stage.asked as [(typeof stage.asked)[0]];
    expect(wire.writeText('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789')).toBe(true);
    expect(wire.writeText('abcdefghij')).toBe(false);
    const dataOf = () =>
      stage.frames().flatMap(({ type, flags, payload }) => (type === 0 ? [`${payload} ${flags}`] : []));
    expect(dataOf()).toEqual(['0123456789 0']);
    stage.take(window(1, 3));
    expect(dataOf()).toEqual(['abc 0']);
    stage.take(setting(4, 14));
    expect(dataOf()).toEqual(['defg 0']);
    stage.take(window(1, 100));
    expect(dataOf()).toEqual(['hij 1']);
    expect(stage.asked[0]!.closed).toBe('in order');
  });

  it('waits while the wire is backed up, and streams go on in turns', () => {
    const stage = begun([4, 1_000_000]).take(window(0, 1_000_000), get(1), get(3));
    stage.wire.backedUp = true;
    for (const { wire } of stage.asked) {
      expect(wire.writeText('HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n')).toBe(true);
      expect(wire.send(Buffer.alloc(30_000), 0, 30_000)).toBe(false);
    }
    expect(stage.frames().map(({ type }) => type)).toEqual([Frame.headers, Frame.headers]);
    stage.wire.backedUp = false;
    stage.wire.sink.onDrain();
    expect(stage.frames().map(({ stream, payload }) => [stream, payload.length])).toEqual([
      [1, 16_384],
      [3, 16_384],
      [1, 13_616],
      [3, 13_616],
    ]);
  });

  it('has its reader told when all has gone', () => {
    const stage = begun([4, 5]).take(get(1));
    const [asked] = stage.asked;
    asked!.wire.writeText('HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n0123456789');
    expect([asked!.wire.backedUp, asked!.drains]).toEqual([true, 0]);
    stage.take(window(1, 5));
    expect([asked!.wire.backedUp, asked!.drains]).toEqual([false, 1]);
  });

  it('before the end of the request is whole, and the rest of the request is not wanted', () => {
    const stage = begun().take(post(1));
    stage.asked[0]!.wire.writeText(OK);
    stage.asked[0]!.wire.end();
    stage.take(...Array.from({ length: 4 }, () => data(1, Buffer.alloc(16_000))));
    expect(stage.frames().map(({ type }) => type)).toEqual([Frame.headers, Frame.data]);
    stage.asked[0]!.wire.destroy();
    expect(told(stage)).toEqual(['reset 1 0']);
    expect(stage.asked[0]!.closed).toBe('in order');
  });

  it('that comes when its stream is over reaches nobody', () => {
    const stage = begun().take(get(1), get(3));
    const [first, second] = stage.asked;
    first!.wire.writeText('HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n01234');
    stage.take(rst(1));
    expect(first!.wire.writeText('56789')).toBe(false);
    second!.wire.writeText(OK);
    const bodies = stage.frames().flatMap(({ type, stream, payload }) => (type === 0 ? [`${stream} ${payload}`] : []));
    expect(bodies).toEqual(['1 01234', '3 ok']);
  });

  it('that breaks off is reset', () => {
    const stage = begun().take(get(1));
    stage.asked[0]!.wire.writeText('HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n01234');
    stage.asked[0]!.wire.end();
    expect(told(stage)).toEqual(['reset 1 2']);
    expect(stage.asked[0]!.closed).toBeInstanceOf(Error);
  });

  it('has a head that takes several frames', () => {
    const stage = begun().take(get(1));
    stage.asked[0]!.wire.writeText(
      `HTTP/1.1 204 No\r\nX-A: ${'é'.repeat(30_000)}\r\nX-B: ${'b'.repeat(10_000)}\r\n\r\n`,
    );
    const frames = stage.frames();
    expect(frames.map(({ type, flags }) => [type, flags])).toEqual([
      [Frame.headers, Flag.endStream],
      [Frame.continuation, 0],
      [Frame.continuation, Flag.endHeaders],
    ]);
  });
});

describe('what a client can make grow', () => {
  it('is not read further while it takes nothing', () => {
    const stage = begun();
    stage.wire.backedUp = true;
    const pings = Buffer.concat(Array.from({ length: 500 }, () => frame(Frame.ping, 0, 0, Buffer.alloc(8))));
    let reading = true;
    let frames = 0;
    for (; reading && frames < 1_000_000; frames += 500) {
      stage.now += 1000;
      reading = stage.wire.sink.onBytes(pings, pings.length);
      stage.session.out.afterPoll();
    }
    expect(frames).toBeLessThan(10_000);
    stage.wire.backedUp = false;
    stage.wire.reading = false;
    stage.wire.sink.onDrain();
    expect(stage.wire.reading).toBe(true);
  });

  it('is no number of streams beyond the limit', () => {
    const stage = begun();
    for (let i = 0; i < 130; i++) stage.take(get(2 * i + 1));
    expect(told(stage)).toEqual(['reset 257 7', 'reset 259 7']);
    stage.asked[0]!.wire.writeText(OK);
    expect(stage.take(get(301)).asked).toHaveLength(129);
  });
});

describe('a goodbye', () => {
  const answered = frame(Frame.ping, Flag.ack, 0, Buffer.alloc(8));

  it('is final once the client knows of it; what came before is served', () => {
    const stage = begun().take(get(1));
    stage.session.finish();
    const [goaway, ping] = stage.frames();
    expect([goaway!.type, goaway!.payload.readUInt32BE(0)]).toEqual([Frame.goaway, 0x7fff_ffff]);
    expect([ping!.type, ping!.flags]).toEqual([Frame.ping, 0]);
    stage.take(get(3), answered, get(5));
    expect(stage.asked).toHaveLength(2);
    expect(stage.frames()[0]!.payload.readUInt32BE(0)).toBe(3);
    for (const { wire } of stage.asked) wire.writeText(OK);
    stage.frames();
    stage.session.closeWhenDone();
    expect(stage.wire.ended).toBe(true);
  });

  it('of a client that leaves ends what it has asked for', () => {
    const stage = begun().take(get(1));
    stage.wire.sink.onEnd();
    stage.frames();
    expect(stage.asked[0]!.closed).toBeInstanceOf(Error);
    expect(stage.wire.ended).toBe(true);
    stage.wire.sink.onClose(undefined);
    expect(stage.gone).toBe(1);
  });

  it('without a word ends it too', () => {
    const stage = new SessionStage(new TestWire()).begin().take(get(1), post(3));
    stage.wire.sink.onClose(undefined);
    expect(stage.asked.map(({ closed }) => closed)).toEqual([expect.any(Error), expect.any(Error)]);
    expect(stage.gone).toBe(1);
  });
});
