import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { Unanswered } from '../../src/proxy/unanswered.ts';

const texts = (datagrams: readonly Buffer[]) => datagrams.map(String);

test('gives back what has no answer yet, once and in order', () => {
  const unanswered = new Unanswered();
  unanswered.add(Buffer.from('a'), 0);
  unanswered.add(Buffer.from('b'), 1000);
  expect(texts(unanswered.take(1000))).toEqual(['a', 'b']);
  expect(unanswered.take(1000)).toEqual([]);
});

test('forgets all of it with an answer', () => {
  const unanswered = new Unanswered();
  unanswered.add(Buffer.from('a'), 0);
  unanswered.clear();
  unanswered.add(Buffer.from('b'), 5);
  expect(texts(unanswered.take(5))).toEqual(['b']);
});

test('gives nothing back of which the network would have told long ago, and begins anew then', () => {
  const unanswered = new Unanswered();
  unanswered.add(Buffer.from('a'), 0);
  expect(unanswered.take(1001)).toEqual([]);
  unanswered.add(Buffer.from('b'), 2000);
  unanswered.add(Buffer.from('c'), 3001);
  expect(texts(unanswered.take(3001))).toEqual(['c']);
});

test('keeps the first four, and no more than 4096 bytes', () => {
  const unanswered = new Unanswered();
  for (const text of ['a', 'b', 'c', 'd', 'e']) unanswered.add(Buffer.from(text), 0);
  expect(texts(unanswered.take(0))).toEqual(['a', 'b', 'c', 'd']);
  unanswered.add(Buffer.alloc(4097), 0);
  unanswered.add(Buffer.alloc(4000), 0);
  unanswered.add(Buffer.alloc(97), 0);
  unanswered.add(Buffer.alloc(96), 0);
  expect(unanswered.take(0).map(({ length }) => length)).toEqual([4000, 96]);
});
