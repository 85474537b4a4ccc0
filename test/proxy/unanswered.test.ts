import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { LastDatagrams, Unanswered } from '../../src/proxy/unanswered.ts';

const texts = (datagrams: readonly Buffer[]) => datagrams.map(String);

test('gives back what has no answer yet, once and in order', () => {
  const unanswered = new Unanswered(new LastDatagrams());
  unanswered.add(Buffer.from('a'), 0);
  unanswered.add(Buffer.from('b'), 1000);
  expect(texts(unanswered.take(1000))).toEqual(['a', 'b']);
  expect(unanswered.take(1000)).toEqual([]);
});

test('forgets all of it with an answer', () => {
  const unanswered = new Unanswered(new LastDatagrams());
  unanswered.add(Buffer.from('a'), 0);
  unanswered.clear();
  unanswered.add(Buffer.from('b'), 5);
  expect(texts(unanswered.take(5))).toEqual(['b']);
});

test('gives nothing back of which the network would have told long ago, and begins anew then', () => {
  const unanswered = new Unanswered(new LastDatagrams());
  unanswered.add(Buffer.from('a'), 0);
  expect(unanswered.take(1001)).toEqual([]);
  unanswered.add(Buffer.from('b'), 2000);
  unanswered.add(Buffer.from('c'), 3001);
  expect(texts(unanswered.take(3001))).toEqual(['c']);
});

test('keeps the first four, and no more than 4096 bytes', () => {
  const unanswered = new Unanswered(new LastDatagrams());
  for (const text of ['a', 'b', 'c', 'd', 'e']) unanswered.add(Buffer.from(text), 0);
  expect(texts(unanswered.take(0))).toEqual(['a', 'b', 'c', 'd']);
  unanswered.add(Buffer.alloc(4097), 0);
  unanswered.add(Buffer.alloc(4000), 0);
  unanswered.add(Buffer.alloc(97), 0);
  unanswered.add(Buffer.alloc(96), 0);
  expect(unanswered.take(0).map(({ length }) => length)).toEqual([4000, 96]);
});

test('takes what comes as it was, whatever becomes of its bytes', () => {
  const unanswered = new Unanswered(new LastDatagrams());
  const bytes = Buffer.from('as it was');
  unanswered.add(bytes, 0);
  bytes.fill('x');
  const last = unanswered.take(0)[0]!;
  unanswered.add(Buffer.from('another one'), 0);
  expect(String(last)).toBe('as it was');
});

test('gives nothing back that datagrams of others have taken the room of', () => {
  const last = new LastDatagrams();
  const [one, other] = [new Unanswered(last), new Unanswered(last)];
  one.add(Buffer.from('first'), 0);
  one.add(Buffer.from('second'), 0);
  for (let n = 0; n < 255; n++) last.add(Buffer.alloc(4096));
  last.add(Buffer.alloc(4085));
  other.add(Buffer.from('other'), 0);
  expect(texts(one.take(0))).toEqual(['second']);
  expect(texts(other.take(0))).toEqual(['other']);
});

test('keeps what does not fit in the rest of the room whole, at its beginning', () => {
  const last = new LastDatagrams();
  const unanswered = new Unanswered(last);
  for (let n = 0; n < 255; n++) last.add(Buffer.alloc(4096));
  last.add(Buffer.alloc(4090));
  unanswered.add(Buffer.from('over the end'), 0);
  expect(texts(unanswered.take(0))).toEqual(['over the end']);
});
