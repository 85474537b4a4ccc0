import { Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { formatAccess } from '../../src/observe/access-format.ts';
import type { AccessRecord } from '../../src/observe/access-log.ts';
import { AccessWriter, type AccessWriterOptions } from '../../src/observe/access-writer.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { connectionRecord, requestRecord, UnrefClock } from './records.ts';

/** A stream whose writes are done when the test says so. */
class SlowStream extends Writable {
  readonly writes: string[] = [];
  readonly #callbacks: ((error?: Error) => void)[] = [];

  constructor() {
    super({ highWaterMark: 1, decodeStrings: false });
  }

  override _write(chunk: string, _encoding: string, callback: (error?: Error) => void): void {
    this.writes.push(chunk);
    this.#callbacks.push(callback);
  }

  /** Ends the write under way; then lets the events of the stream happen. */
  async done(error?: Error): Promise<void> {
    this.#callbacks.shift()?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function setUp(changed: Partial<AccessWriterOptions> = {}) {
  const stream = new SlowStream();
  const clock = new FakeClock();
  const reports: number[] = [];
  const onDropped = (count: number): void => void reports.push(count);
  const writer = new AccessWriter({ stream, format: 'json', clock, onDropped, ...changed });
  const take = (...records: AccessRecord[]): void => writer.take({ records, dropped: 0 });
  return { stream, clock, reports, writer, take };
}

/** The targets of the requests in what was written. */
function targets(text: string): string[] {
  const lines = text.split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line).target);
}

const large = requestRecord({ target: '/large', userAgent: 'x'.repeat(1024 * 1024) });

describe('AccessWriter', () => {
  it('writes a batch at once, a line for each record', () => {
    const { stream, take } = setUp();
    take(requestRecord({ target: '/a' }), requestRecord({ target: '/b' }));
    expect(stream.writes).toHaveLength(1);
    expect(targets(stream.writes[0]!)).toEqual(['/a', '/b']);
  });

  it('writes the format it was asked for', () => {
    const { stream, take } = setUp({ format: 'combined' });
    take(connectionRecord());
    expect(stream.writes[0]).toMatch(/^2001:db8::1 - - .* "-" "-"\n$/);
  });

  it('keeps batches while the stream is held up, and writes them together when it drains', async () => {
    const { stream, take } = setUp();
    for (const target of ['/1', '/2', '/3']) take(requestRecord({ target }));
    expect([stream.writes.length, stream.writableLength]).toEqual([1, stream.writes[0]!.length]);
    await stream.done();
    expect(stream.writes.map(targets)).toEqual([['/1'], ['/2', '/3']]);
    take(requestRecord({ target: '/4' }));
    expect(stream.writes).toHaveLength(2);
    await stream.done();
    expect(targets(stream.writes[2]!)).toEqual(['/4']);
    await stream.done();
    take(requestRecord({ target: '/5' }));
    expect(targets(stream.writes[3]!)).toEqual(['/5']);
  });

  it('drops what comes on top of 1 Mi characters, and reports it at most every 10 s', async () => {
    const { stream, clock, reports, take } = setUp();
    take(requestRecord({ target: '/first' }));
    take(large);
    take(requestRecord({ target: '/lost' }), requestRecord({ target: '/lost' }));
    take(requestRecord({ target: '/lost' }));
    await clock.advance(9_999);
    expect(reports).toEqual([]);
    await clock.advance(1);
    expect(reports).toEqual([3]);
    take(requestRecord({ target: '/lost' }));
    await clock.advance(10_000);
    expect(reports).toEqual([3, 1]);
    await stream.done();
    expect(stream.writes.map(targets)).toEqual([['/first'], ['/large']]);
    take(requestRecord({ target: '/again' }));
    take(requestRecord({ target: '/and-again' }));
    await stream.done();
    expect(targets(stream.writes[2]!)).toEqual(['/again', '/and-again']);
    await stream.done();
    take(requestRecord({ target: '/later' }));
    expect(targets(stream.writes[3]!)).toEqual(['/later']);
    await clock.advance(60_000);
    expect([reports, clock.pending]).toEqual([[3, 1], 0]);
  });

  it('keeps up to the limit: the text before it counts, not the one that crosses it', async () => {
    const ofCharacters = (target: string, wanted: number): AccessRecord => {
      const bare = formatAccess(requestRecord({ target, userAgent: '' }), 'json').length + 1;
      return requestRecord({ target, userAgent: 'x'.repeat(wanted - bare) });
    };
    const { stream, take } = setUp();
    take(requestRecord({ target: '/first' }));
    take(ofCharacters('/almost', 1024 * 1024 - 1));
    take(large);
    take(requestRecord({ target: '/lost' }));
    await stream.done();
    expect(targets(stream.writes[1]!)).toEqual(['/almost', '/large']);
    take(ofCharacters('/exactly', 1024 * 1024));
    take(requestRecord({ target: '/lost' }));
    await stream.done();
    expect(targets(stream.writes[2]!)).toEqual(['/exactly']);
  });

  it('reports what workers have dropped', async () => {
    const { clock, reports, writer, stream } = setUp();
    writer.take({ records: [], dropped: 4 });
    writer.take({ records: [requestRecord()], dropped: 3 });
    expect(clock.pending).toBe(1);
    await clock.advance(10_000);
    expect(reports).toEqual([7]);
    expect(stream.writes).toHaveLength(1);
  });

  it('does not keep a process alive to report', () => {
    const clock = new UnrefClock();
    setUp({ clock }).writer.take({ records: [], dropped: 1 });
    expect([clock.pending, clock.holding]).toEqual([1, 0]);
  });

  it('writes nothing for a batch without records', () => {
    const { stream, clock, take } = setUp();
    take();
    expect([stream.writes, clock.pending]).toEqual([[], 0]);
  });

  it('survives a stream that fails, and counts what it cannot write', async () => {
    const { stream, clock, reports, take, writer } = setUp();
    take(requestRecord());
    take(requestRecord(), requestRecord());
    await stream.done(new Error('EPIPE'));
    take(requestRecord());
    await clock.advance(10_000);
    expect(reports).toEqual([3]);
    const write = vi.spyOn(stream, 'write');
    stream.emit('drain');
    expect(write).not.toHaveBeenCalled();
    expect(stream.writes).toHaveLength(1);
    await writer.close(1000);
    expect(clock.pending).toBe(0);
  });
});

describe('a stream that fails later', () => {
  it('loses only what waited then', async () => {
    const { stream, clock, reports, take } = setUp();
    for (let n = 0; n < 4; n++) take(requestRecord());
    await stream.done();
    take(requestRecord());
    await stream.done(new Error('EPIPE'));
    await clock.advance(10_000);
    expect(reports).toEqual([1]);
  });
});

describe('closing', () => {
  it('writes what waits and resolves when it is written', async () => {
    const { stream, clock, reports, take, writer } = setUp();
    take(requestRecord({ target: '/1' }));
    take(requestRecord({ target: '/2' }));
    let closed = false;
    const closing = writer.close(1000).then(() => {
      closed = true;
    });
    await stream.done();
    expect([closed, stream.writes.length]).toEqual([false, 2]);
    expect(targets(stream.writes[1]!)).toEqual(['/2']);
    await stream.done();
    await closing;
    expect([closed, clock.pending, stream.destroyed]).toEqual([true, 0, false]);
    expect(reports).toEqual([]);
  });

  it('waits no longer than it is told, and bears an error that comes after', async () => {
    const { stream, clock, take, writer } = setUp();
    take(requestRecord());
    const closing = writer.close(500);
    await clock.advance(499);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    await closing;
    await stream.done(new Error('late'));
    expect(stream.errored?.message).toBe('late');
  });

  it('reports at once what was dropped, and leaves no timer', async () => {
    const { stream, clock, reports, writer } = setUp();
    writer.take({ records: [], dropped: 2 });
    const closing = writer.close(1000);
    expect(reports).toEqual([2]);
    await stream.done();
    await closing;
    expect(clock.pending).toBe(0);
  });

  it('leaves no listeners behind but one for errors, however many writers a stream has had', async () => {
    const { stream, clock } = setUp();
    const before = stream.listenerCount('drain');
    for (let n = 0; n < 20; n++) {
      const writer = new AccessWriter({ stream, format: 'json', clock, onDropped: () => undefined });
      const closing = writer.close(1000);
      await stream.done();
      await closing;
    }
    expect(stream.listenerCount('drain')).toBe(before);
    expect(stream.listenerCount('error')).toBe(2);
  });
});
