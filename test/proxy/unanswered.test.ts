import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { LastDatagrams, Unanswered } from '../../src/proxy/unanswered.ts';

/** What one flow has sent, a text at a time. */
function stage(last = new LastDatagrams()) {
  const unanswered = new Unanswered(last);
  const add = (text: string, atMs = 0) => unanswered.add(Buffer.from(text), atMs);
  const take = (nowMs = 0) => unanswered.take(nowMs).map(String);
  return { unanswered, add, take };
}

/** Takes up room with datagrams of others, until `left` bytes are left before it begins anew. */
function fill(last: LastDatagrams, left: number): void {
  for (let n = 0; n < 255; n++) last.add(Buffer.alloc(4096));
  last.add(Buffer.alloc(4096 - left));
}

test('gives back what has no answer yet, once and in order', () => {
  const { add, take } = stage();
  for (const text of ['a', '', 'b']) add(text);
  expect(take()).toEqual(['a', '', 'b']);
  expect(take()).toEqual([]);
});

test('forgets all of it with an answer', () => {
  const { unanswered, add, take } = stage();
  add('a');
  unanswered.clear();
  add('b');
  expect(take()).toEqual(['b']);
});

test('gives nothing back of which the network would have told before', () => {
  const { add, take } = stage();
  add('a', 0);
  add('b', 60);
  add('c', 120);
  expect(take(160)).toEqual(['b', 'c']);
  add('d', 200);
  expect(take(301)).toEqual([]);
});

test('keeps the last four, but none above 4096 bytes', () => {
  const { add, take } = stage();
  for (const text of ['a', 'b', 'c', 'd', 'e', 'f']) add(text);
  expect(take()).toEqual(['c', 'd', 'e', 'f']);
  for (const length of [4097, 4096]) add('x'.repeat(length));
  expect(take().map(({ length }) => length)).toEqual([4096]);
});

test('takes what comes as it was, whatever becomes of its bytes', () => {
  const { unanswered, add } = stage();
  const bytes = Buffer.from('as it was');
  unanswered.add(bytes, 0);
  bytes.fill('x');
  const [taken] = unanswered.take(0);
  add('another one');
  expect(String(taken)).toBe('as it was');
});

test('gives nothing back that datagrams of others have taken the room of', () => {
  const last = new LastDatagrams();
  const [one, other] = [stage(last), stage(last)];
  one.add('first');
  one.add('second');
  fill(last, 11);
  last.add(Buffer.alloc(0));
  fill(last, 0);
  other.add('other');
  expect(other.take()).toEqual(['other']);
  expect(one.take()).toEqual([]);
});

test('keeps what does not fit in the rest of the room whole, at its beginning', () => {
  const last = new LastDatagrams();
  const { add, take } = stage(last);
  fill(last, 6);
  add('over the end');
  expect(take()).toEqual(['over the end']);
});
