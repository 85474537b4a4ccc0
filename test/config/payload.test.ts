import { expect, it } from 'vitest';
import { expectedAnswer, payload, payloadBytes } from '../../src/config/payload.ts';

it('reads escapes as the bytes they stand for', () => {
  expect(payloadBytes(String.raw`a\\b\n\r\t\0\x00\xFf`)).toBe('a\\b\n\r\t\0\0\xff');
});

it.each(['ä', String.raw`\q`, String.raw`\x1`, '\\', 'a\n', 'a'.repeat(513)])('refuses %j', (text) => {
  expect(payload.safeParse(text).success).toBe(false);
});

it('takes 512 bytes, however long they are written', () => {
  expect(payload.safeParse('\\xff'.repeat(512)).success).toBe(true);
  expect(payload.safeParse('\\xff'.repeat(513)).success).toBe(false);
});

it('takes an expression for an answer, if it is one', () => {
  expect(expectedAnswer.safeParse('~^ä\\x80').success).toBe(true);
  expect(expectedAnswer.safeParse('~(').success).toBe(false);
  expect(expectedAnswer.safeParse('\\q').success).toBe(false);
});
