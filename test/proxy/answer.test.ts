import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadEdit } from '../../src/http1/head-edit.ts';
import {
  Answer,
  type AnsweredRequest,
  type AnswerReader,
  type AnswerSession,
  type AnswerStep,
} from '../../src/proxy/answer.ts';
import { chunked } from '../support/requests.ts';

/** A client that takes all it is given, unless it is said to be full. */
class Reader implements AnswerReader {
  readonly request: AnsweredRequest;
  answerEdit: HeadEdit | undefined;
  session: AnswerSession | undefined;
  headBytes = 0;
  text = '';
  /** How many writes reached it. */
  writes = 0;
  takes = true;
  closing = false;

  constructor(request: Partial<AnsweredRequest> = {}) {
    this.request = { method: 'GET', minor: 1, upgrade: false, persistent: true, ...request };
  }

  mustClose(): boolean {
    return this.closing;
  }

  write(text: string): boolean {
    this.text += text;
    this.writes++;
    return this.takes;
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    return this.write(bytes.toString('latin1', start, end));
  }
}

/** Feeds pieces, each in a buffer that is overwritten behind it, as the shared read buffer of a thread is. */
function feed(answer: Answer, pieces: readonly string[]): AnswerStep[] {
  return pieces.map((piece) => {
    const bytes = Buffer.from(`${piece}-garbage`, 'latin1');
    const step = answer.take(bytes, piece.length);
    bytes.fill('#');
    return step;
  });
}

function take(pieces: readonly string[], request: Partial<AnsweredRequest> = {}) {
  const reader = new Reader(request);
  const answer = new Answer(reader);
  const steps = feed(answer, pieces);
  return { reader, answer, step: steps.at(-1), steps };
}

const head = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n';
const hints = 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n';
const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';

describe('an answer', () => {
  it('goes to the client in one write when it is small', () => {
    const { reader, step, answer } = take([`${head}body`]);
    expect([reader.text, reader.writes, step]).toEqual([`${head}body`, 1, 'done']);
    expect(answer).toMatchObject({ status: 200, begun: true, relaying: true, close: false, persistent: true });
    expect([answer.rest, answer.problem]).toEqual([undefined, '']);
  });

  it('sends a body of more than 16 KiB apart from its head', () => {
    for (const [size, writes] of [
      [16_384, 1],
      [16_385, 2],
    ] as const) {
      const { reader } = take([`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'b'.repeat(size)}`]);
      expect([reader.writes, reader.text.length]).toEqual([writes, size + head.length + 4]);
    }
  });

  it('has begun with its first byte, and is relayed from the end of its head', () => {
    const answer = new Answer(new Reader());
    expect([answer.begun, answer.relaying, answer.status]).toEqual([false, false, 0]);
    feed(answer, ['H']);
    expect([answer.begun, answer.relaying]).toEqual([true, false]);
    feed(answer, [head.slice(1)]);
    expect([answer.relaying, answer.status]).toEqual([true, 200]);
  });

  const bodies: [string, string, boolean][] = [
    ['of known length', `${head}body`, true],
    [
      'in chunks with trailers',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(['bo', 'dy'], ['X: y'])}`,
      true,
    ],
    ['behind interim ones', `${hints}HTTP/1.1 100 Continue\r\n\r\n${head}body`, true],
    ['without a body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', true],
    ['until the connection ends', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody', false],
  ];

  it.each(bodies)('%s is the same in any cut', (_name, text, ends) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 6 }), (at) => {
        const ends_ = [...new Set(at)].sort((a, b) => a - b).concat(text.length);
        const { reader, steps, answer } = take(ends_.map((end, i) => text.slice(ends_[i - 1] ?? 0, end)));
        expect(reader.text).toBe(text);
        expect(steps.slice(0, -1).every((step) => step === 'more')).toBe(true);
        expect(steps.at(-1)).toBe(ends ? 'done' : 'more');
        expect(answer.endsWithConnection).toBe(!ends);
      }),
    );
  });

  it('hands out what comes behind it, in a copy', () => {
    for (const pieces of [[`${head}bodyMORE`], [head, 'bodyMORE'], [`${head}bo`, 'dyMORE']]) {
      const { reader, answer, step } = take(pieces);
      expect([reader.text, step, answer.rest?.toString()]).toEqual([`${head}body`, 'done', 'MORE']);
    }
  });

  it.each([
    [{ method: 'HEAD' }, head],
    [{}, 'HTTP/1.1 204 No Content\r\n\r\n'],
    [{}, 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ])('for %j ends with its head: %j', (request, text) => {
    const { reader, step, answer } = take([text], request);
    expect([reader.text, step, answer.persistent]).toEqual([text, 'done', true]);
  });
});

describe('what an answer says of connections', () => {
  const keep = (text: string, request: Partial<AnsweredRequest> = {}, closing = false) => {
    const reader = new Reader(request);
    reader.closing = closing;
    const answer = new Answer(reader);
    feed(answer, [text]);
    return { persistent: answer.persistent, close: answer.close, said: /connection: (\S+)/i.exec(reader.text)?.[1] };
  };

  it.each([
    [head, {}, false, { persistent: true, close: false, said: undefined }],
    [head, { persistent: false }, false, { persistent: true, close: true, said: 'close' }],
    [head, {}, true, { persistent: true, close: true, said: 'close' }],
    [head, { minor: 0 }, false, { persistent: true, close: false, said: 'keep-alive' }],
    [head, { minor: 0, persistent: false }, false, { persistent: true, close: true, said: 'close' }],
    [
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      {},
      false,
      { persistent: false, close: false, said: undefined },
    ],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', {}, false, { persistent: false, close: false, said: undefined }],
    ['HTTP/1.1 200 OK\r\n\r\n', {}, false, { persistent: false, close: true, said: 'close' }],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      { minor: 0 },
      false,
      { persistent: true, close: true, said: 'close' },
    ],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      {},
      false,
      { persistent: true, close: false, said: undefined },
    ],
  ])('%j to %j, must close: %j', (text, request, closing, expected) => {
    expect(keep(text, request, closing)).toEqual(expected);
  });

  it.each([
    ['timeout=5', 5000],
    ['max=2, timeout=7', 7000],
    ['timeout=0', 1],
    ['nothing', 0],
  ])('Keep-Alive: %s promises %i ms', (value, promisedMs) => {
    const { answer } = take([`HTTP/1.1 200 OK\r\nKeep-Alive: ${value}\r\nContent-Length: 0\r\n\r\n`]);
    expect(answer.promisedMs).toBe(promisedMs);
  });
});

describe('an answer for a client of HTTP/1.0', () => {
  const chunks = 'HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n';
  const plain = 'HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: close\r\n\r\n';

  it('loses its chunks and trailers', () => {
    const { reader, step } = take([chunks + chunked(['one ', 'two'], ['X: y'])], { minor: 0 });
    expect([reader.text, step]).toEqual([`${plain}one two`, 'done']);
  });

  it('loses its chunks in pieces too', () => {
    const { reader, steps } = take([`${chunks}4\r\no`, 'ne', ' \r\n', '3\r\ntwo\r\n0\r\n', '\r\n'], { minor: 0 });
    expect([reader.text, steps.join()]).toEqual([`${plain}one two`, 'more,more,more,more,done']);
  });

  it('comes without interim ones', () => {
    expect(take([`${hints}${head}body`], { minor: 0 }).reader.text).not.toContain('103');
  });
});

describe('a client that does not keep up', () => {
  it.each([
    ['of a small answer', [`${head}bo`]],
    ['of a large one', [`HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n${'b'.repeat(20_000)}`]],
    ['of a body', [head, 'bo']],
  ])('is noticed at the write %s', (_name, pieces) => {
    const reader = new Reader();
    const answer = new Answer(reader);
    feed(answer, pieces.slice(0, -1));
    expect(answer.clientIsFull).toBe(false);
    reader.takes = false;
    expect([feed(answer, pieces.slice(-1))[0], answer.clientIsFull]).toEqual(['more', true]);
  });

  it('of chunks that are taken apart is noticed', () => {
    const reader = new Reader({ minor: 0 });
    const answer = new Answer(reader);
    reader.takes = false;
    feed(answer, ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n']);
    expect(answer.clientIsFull).toBe(true);
  });
});

describe('a switch of protocols', () => {
  it('goes on as it is when it was asked for, with a copy of what comes behind', () => {
    const { reader, step, answer } = take([`${hints}${switched.slice(0, 20)}`, `${switched.slice(20)}early`], {
      upgrade: true,
    });
    expect([reader.text, step, answer.status, answer.rest?.toString()]).toEqual([
      hints + switched,
      'upgraded',
      101,
      'early',
    ]);
    expect(take([switched], { upgrade: true }).answer.rest).toBeUndefined();
  });

  it('is bad when nobody asked', () => {
    const { reader, step, answer } = take([`${switched}early`]);
    expect([reader.text, step, answer.relaying]).toEqual(['', 'bad', false]);
    expect(answer.problem).toContain('nobody asked');
  });
});

describe('a bad answer', () => {
  it.each([
    ['a bad head', ['HTTP/1.1 200 OK\nX: y\r\n\r\n'], false, ''],
    ['a bad head behind an interim one', [`${hints}BAD\r\n`], false, hints],
    ['a head of more than 64 KiB', [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(65_536)}`], false, ''],
    [
      'a bad chunk in the first packet',
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
      true,
      undefined,
    ],
    ['a bad chunk later', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '2\r\nokay'], true, undefined],
  ])('with %s is known as such', (_name, pieces, relaying, text) => {
    const { step, answer, reader } = take(pieces);
    expect([step, answer.relaying, answer.problem === '']).toEqual(['bad', relaying, false]);
    if (text !== undefined) expect(reader.text).toBe(text);
  });

  it('with more than 64 interim ones is given up', () => {
    expect(take([hints.repeat(64)]).step).toBe('more');
    const { step, answer } = take([hints.repeat(64), hints]);
    expect([step, answer.problem]).toEqual(['bad', 'too many interim responses']);
  });
});

describe('changes to the head of an answer', () => {
  it.each([
    [
      'the final answer',
      {},
      `${hints}${head}body`,
      `${hints}HTTP/1.1 200 OK\r\nContent-Length: 4\r\nA: 1\r\nB: 2\r\n\r\nbody`,
    ],
    ['a switch of protocols', { upgrade: true }, switched, switched.replace(/\r\n$/, 'A: 1\r\nB: 2\r\n\r\n')],
  ])('are made to %s and not to one that comes before it', (_name, request, given, expected) => {
    const reader = new Reader(request);
    reader.answerEdit = new HeadEdit({ drop: ['link'], lines: 'A: 1\r\n' });
    reader.session = { lines: 'B: 2\r\n', watch: undefined };
    feed(new Answer(reader), [given]);
    expect(reader.text).toBe(expected);
  });
});

describe('a session', () => {
  it.each([
    ['a short body', ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo', 'dy'], ['200', 'bo', 'dy']],
    [
      'a chunked body',
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '2\r\nab\r\n', '0\r\n\r\n'],
      ['200', 'ab'],
    ],
    [
      'no body, behind an interim answer',
      ['HTTP/1.1 103 Early Hints\r\n\r\n', 'HTTP/1.1 204 No Content\r\n\r\n'],
      ['204'],
    ],
  ])('hears of the head and of %s before the client does', (_name, pieces, expected) => {
    const reader = new Reader();
    const heard: string[] = [];
    const before: string[] = [];
    reader.session = {
      lines: '',
      watch: {
        onAnswerHead: ({ status }) => heard.push(String(status)),
        onAnswerBody(bytes, start, end) {
          heard.push(bytes.toString('latin1', start, end));
          before.push(reader.text);
        },
      },
    };
    feed(new Answer(reader), pieces);
    expect(heard).toEqual(expected);
    for (const text of before) expect(text).not.toMatch(/dy$|ab\r\n$/);
  });
});
