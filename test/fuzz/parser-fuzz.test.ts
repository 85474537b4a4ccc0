import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { fuzzCase } from './case.ts';
import { requestDifferences, responseDifferences } from './differences.ts';
import { Oracle } from './oracle.ts';
import { ownReading, type Stream } from './own.ts';
import { parserFault } from './parser-case.ts';
import { Random } from './random.ts';
import { dangerousDifference, type Message, type Reading } from './reading.ts';
import { requestSeeds, responseSeeds } from './seeds.ts';

const oracle = new Oracle();
const whole = (text: string, stream: Stream) => ownReading(Buffer.from(text, 'latin1'), stream, [text.length]);

describe('our parsers beside that of Node', () => {
  it('take nothing that it refuses, nor read anything else than it does, in the cases of the tables', () => {
    const everyByte = (text: string) => Array.from({ length: text.length }, (_, i) => i + 1);
    for (const text of requestSeeds) expect(parserFault(text, 'requests', everyByte(text)), text).toBe('');
    for (const method of ['GET', 'HEAD']) {
      for (const text of responseSeeds) expect(parserFault(text, { method }, everyByte(text)), text).toBe('');
    }
  });

  it.each([1, 2, 3])('take nothing that it refuses in mutations of them, by seed %d', (seed) => {
    for (let index = 0; index < 2000; index++) {
      const { text, stream, cuts } = fuzzCase(seed, index);
      expect(parserFault(text, stream, cuts), `case ${index}: ${JSON.stringify(text)}`).toBe('');
    }
  });
});

describe('a deliberate difference', () => {
  const examples = (stream: Stream) => (stream === 'requests' ? requestDifferences : responseDifferences);
  const all = (['requests', { method: 'GET' }] as const).flatMap((stream) =>
    examples(stream).flatMap(({ name, reason, examples }) => examples.map((text) => ({ stream, name, reason, text }))),
  );

  it.each(all)('$name: $text', ({ stream, text, reason }) => {
    const own = whole(text, stream);
    const theirs = stream === 'requests' ? oracle.requests(text) : oracle.responses(text, stream.method, false);
    expect(own.refused).toBe('');
    expect(own.messages.length).toBeGreaterThan(0);
    expect(dangerousDifference(own, theirs, own.used === text.length), reason).not.toBe('');
    expect(parserFault(text, stream, [text.length])).toBe('');
  });

  it('excuses nothing else in the same text', () => {
    const { without } = requestDifferences[0]!;
    const text = 'BREW / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';
    expect(without(text, whole(text, 'requests'))).toBe(text.replace('BREW', 'PUT'));
    const chunks = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\n;ab\r\n0;\r\n\r\n';
    expect(requestDifferences[1]!.without(chunks, whole(chunks, 'requests'))).toBe(
      chunks.replace('3;x', '3').replace('0;', '0'),
    );
  });
});

describe('dangerousDifference', () => {
  const message: Message = { line: 'GET / 1', fields: ['Host', 'a'], data: 'abc', complete: true, persistent: true };
  const reading = (messages: readonly Message[], refused = ''): Reading => ({ messages, refused });
  const ours = reading([message]);

  it.each([
    ['refuses all', reading([], 'why'), true],
    ['sees another target', reading([{ ...message, line: 'GET /x 1' }]), true],
    ['sees another field', reading([{ ...message, fields: ['Host', 'b'] }]), true],
    ['sees one field less', reading([{ ...message, fields: [] }]), true],
    ['sees other data', reading([{ ...message, data: 'ab' }]), true],
    ['waits for more', reading([{ ...message, complete: false }]), true],
    ['sees the end of the connection', reading([{ ...message, persistent: false }]), true],
    ['sees a second message', reading([message, message]), true],
    ['refuses what is behind it', reading([message], 'why'), true],
    ['sees the same', ours, false],
  ])('when the oracle %s', (_name, theirs, dangerous) => {
    expect(dangerousDifference(ours, theirs, true) !== '').toBe(dangerous);
  });

  it.each([
    ['refuse what the oracle takes', reading([], 'why'), false],
    ['refuse the second one', reading([message], 'why'), false],
    ['close sooner', reading([{ ...message, persistent: false }]), false],
    ['took another one before we refused', reading([{ ...message, data: 'x' }], 'why'), true],
    ['took a head that the oracle refuses', reading([message, { ...message, complete: false }], 'why'), true],
  ])('when we %s', (_name, own, dangerous) => {
    expect(dangerousDifference(own, ours, true) !== '').toBe(dangerous);
  });
});

describe('cases', () => {
  it('are the same for the same seed and number, and others for others', () => {
    expect(fuzzCase(7, 3)).toEqual(fuzzCase(7, 3));
    const texts = new Set(Array.from({ length: 200 }, (_, index) => fuzzCase(7, index).text));
    expect(texts.size).toBeGreaterThan(150);
    expect(fuzzCase(8, 3)).not.toEqual(fuzzCase(7, 3));
  });

  it('are latin1 and arrive whole', () => {
    for (let index = 0; index < 500; index++) {
      const { text, cuts } = fuzzCase(9, index);
      expect(text).toMatch(/^[\0-\xff]+$/);
      expect(cuts.at(-1)).toBe(text.length);
      expect(cuts).toEqual([...cuts].sort((a, b) => a - b));
    }
  });

  it('are drawn evenly', () => {
    const random = new Random(1, 1);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) counts[random.below(4)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
