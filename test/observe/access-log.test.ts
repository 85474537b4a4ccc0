import { describe, expect, it } from 'vitest';
import { type AccessBatch, AccessBuffer, type AccessBufferOptions } from '../../src/observe/access-log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { connectionRecord, requestRecord, UnrefClock } from './records.ts';

function setUp(changed: Partial<AccessBufferOptions> = {}) {
  const clock = new FakeClock();
  const posted: AccessBatch[] = [];
  const post = (batch: AccessBatch): void => void posted.push(batch);
  const buffer = new AccessBuffer({ sample: 1, post, clock, random: () => 0, ...changed });
  let pushed = 0;
  const push = (times: number, target = '/'): void => {
    for (let n = 0; n < times; n++) buffer.push(requestRecord({ target, bytesIn: pushed++ }));
  };
  const sizes = (): number[] => posted.map(({ records }) => records.length);
  return { clock, posted, buffer, push, sizes };
}

/** The numbers, in order, of the records that were posted. */
function numbers(posted: readonly AccessBatch[]): number[] {
  return posted.flatMap(({ records }) => records.map((record) => record.bytesIn));
}

describe('sampling', () => {
  it.each([
    [1, 0.999, true],
    [1.5, 0.999, true],
    [0.25, 0.2499, true],
    [0.25, 0.25, false],
    [0.25, 0, true],
    [0, 0, false],
  ])('at %d with a draw of %d: %s', (sample, draw, expected) => {
    const { buffer } = setUp({ sample, random: () => draw });
    expect(buffer.sampled()).toBe(expected);
  });

  it('draws no random number when everything is logged', () => {
    const random = (): number => {
      throw new Error('drawn');
    };
    expect(setUp({ sample: 1, random }).buffer.sampled()).toBe(true);
  });
});

describe('AccessBuffer', () => {
  it('posts 200 ms after the first record, all that came by then', async () => {
    const { clock, push, posted, sizes } = setUp();
    expect(clock.pending).toBe(0);
    push(1);
    await clock.advance(150);
    push(2);
    await clock.advance(49);
    expect(posted).toEqual([]);
    await clock.advance(1);
    expect(sizes()).toEqual([3]);
    expect(posted[0]?.dropped).toBe(0);
    expect(clock.pending).toBe(0);
    push(1);
    expect(clock.nextInMs).toBe(200);
  });

  it('does not keep a worker alive that has nothing else to do', () => {
    const clock = new UnrefClock();
    setUp({ clock }).push(1);
    expect(clock.holding).toBe(0);
  });

  it('posts at once when there are 256', () => {
    const { clock, push, sizes } = setUp();
    push(255);
    expect([sizes(), clock.pending]).toEqual([[], 1]);
    push(1);
    expect([sizes(), clock.pending]).toEqual([[256], 0]);
    push(300);
    expect([sizes(), clock.pending]).toEqual([[256, 256], 1]);
  });

  it.each(['target', 'host', 'userAgent', 'referer'] as const)('posts at once when %s has grown large', (field) => {
    const { buffer, sizes } = setUp();
    const short = { target: '', host: '', userAgent: '', referer: '' };
    for (let n = 0; n < 15; n++) buffer.push(requestRecord({ ...short, [field]: 'x'.repeat(16 * 1024) }));
    expect(sizes()).toEqual([]);
    buffer.push(requestRecord({ ...short, [field]: 'x'.repeat(16 * 1024 - 1) }));
    expect(sizes()).toEqual([]);
    buffer.push(requestRecord({ ...short, [field]: 'x' }));
    expect(sizes()).toEqual([17]);
    buffer.push(requestRecord({ ...short, [field]: 'x'.repeat(256 * 1024 - 1) }));
    expect(sizes()).toEqual([17]);
    buffer.flush();
    expect(sizes()).toEqual([17, 1]);
  });

  it('takes connections as well as requests', () => {
    const { buffer, posted } = setUp();
    const records = [connectionRecord(), requestRecord()];
    for (const record of records) buffer.push(record);
    buffer.flush();
    expect(posted).toEqual([{ records, dropped: 0 }]);
  });

  it('flushes what it has, and nothing when it has nothing', () => {
    const { clock, push, buffer, sizes } = setUp();
    buffer.flush();
    push(2);
    buffer.flush();
    buffer.flush();
    expect(sizes()).toEqual([2]);
    expect(clock.pending).toBe(0);
  });

  it('has at most 8 batches on their way', () => {
    const { push, buffer, sizes, posted } = setUp();
    push(10 * 256);
    expect(sizes()).toHaveLength(8);
    buffer.acknowledge();
    expect(sizes()).toHaveLength(9);
    buffer.acknowledge();
    buffer.acknowledge();
    expect(sizes()).toHaveLength(10);
    expect(numbers(posted)).toEqual(Array.from({ length: 2560 }, (_, n) => n));
  });

  it('keeps 8 more full batches and one that fills, then drops, counts, and says so with the next batch', () => {
    const { push, buffer, posted, sizes } = setUp();
    push(17 * 256);
    push(5);
    expect(sizes()).toHaveLength(8);
    for (let n = 0; n < 8; n++) buffer.acknowledge();
    for (let n = 0; n < 8; n++) buffer.acknowledge();
    expect(numbers(posted)).toEqual(Array.from({ length: 17 * 256 }, (_, n) => n));
    expect(posted.map(({ dropped }) => dropped)).toEqual([...new Array(8).fill(0), 5, ...new Array(8).fill(0)]);
    push(1);
    buffer.flush();
    expect(numbers(posted).at(-1)).toBe(17 * 256 + 5);
    expect(posted.at(-1)?.dropped).toBe(0);
  });

  it('takes records again as soon as there is room', () => {
    const { push, buffer, posted } = setUp();
    push(17 * 256);
    buffer.acknowledge();
    push(256);
    push(1);
    for (let n = 0; n < 20; n++) buffer.acknowledge();
    const last = numbers(posted).at(-1);
    expect(numbers(posted)).toHaveLength(18 * 256);
    expect(last).toBe(18 * 256 - 1);
  });

  it('sends what fell due while there was no room, without waiting for another record', async () => {
    const { clock, push, buffer, sizes } = setUp();
    push(16 * 256 + 3);
    await clock.advance(200);
    expect([sizes().length, clock.pending]).toEqual([8, 0]);
    buffer.acknowledge();
    expect(sizes()).toHaveLength(9);
    for (let n = 0; n < 8; n++) buffer.acknowledge();
    expect(sizes()).toEqual([...new Array(16).fill(256), 3]);
  });

  it('leaves a batch that is not due yet to its timer', async () => {
    const { clock, push, buffer, sizes } = setUp();
    push(256);
    push(1);
    buffer.acknowledge();
    expect(sizes()).toEqual([256]);
    await clock.advance(200);
    expect(sizes()).toEqual([256, 1]);
  });

  it('takes one acknowledgement too many for none', () => {
    const { push, buffer, sizes } = setUp();
    for (let n = 0; n < 5; n++) buffer.acknowledge();
    push(10 * 256);
    expect(sizes()).toHaveLength(8);
  });

  it('posts records that can be cloned to another thread', () => {
    const { push, posted, buffer } = setUp();
    push(1);
    buffer.push(connectionRecord());
    buffer.flush();
    expect(structuredClone(posted[0])).toEqual(posted[0]);
  });
});
