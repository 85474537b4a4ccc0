import { expect } from 'vitest';
import { fieldOf, type HttpText, readMessages } from './http-text.ts';
import type { Outcome } from './raw-client.ts';

/** What a client is told when Fairlead refuses its request. */
export interface Refusal {
  readonly status: number;
  /** The value of `Fairlead-Error`. */
  readonly code: string;
  /** Words of the line that names the cause. */
  readonly problem: string;
}

/** The answer is one of Fairlead's own errors, of this kind, and says that the connection ends. */
export function expectRefused(answer: HttpText, { status, code, problem }: Refusal): void {
  expect(answer.status).toBe(status);
  expect(fieldOf(answer, 'Fairlead-Error')).toBe(code);
  expect(fieldOf(answer, 'Content-Type')).toMatch(/^text\/plain(;|$)/);
  expect(fieldOf(answer, 'Connection')).toBe('close');
  expect(answer.body).toMatch(/^[^\r\n]+\n$/);
  expect(answer.body).toContain(problem);
}

/** All that came on the connection is this refusal, whole, and a FIN. */
export function expectOnlyRefused({ text, ending }: Outcome, refusal: Refusal): void {
  const { messages, rest } = readMessages(text);
  expect(messages, text).toHaveLength(1);
  expectRefused(messages[0]!, refusal);
  expect({ rest, ending }).toEqual({ rest: '', ending: 'fin' });
}
