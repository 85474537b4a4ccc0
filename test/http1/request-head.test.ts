import { describe, expect, it } from 'vitest';
import { REFUSED } from '../../src/http1/head.ts';
import { acceptedRequests } from './accepted-requests.ts';
import { refusedRequests } from './refused-requests.ts';
import { endingIn, readRequest } from './verdict.ts';

describe.each(Object.entries(Object.groupBy(acceptedRequests, ({ section }) => section)))('%s', (_section, cases) => {
  it.each(cases ?? [])('understands $name', ({ text, reads }) => {
    expect(readRequest(text)).toMatchObject({ problem: '', unsupported: false, ...reads });
  });
});

describe.each(Object.entries(Object.groupBy(refusedRequests, ({ section }) => section)))('%s', (_section, cases) => {
  it.each(cases ?? [])('refuses $name', ({ text, problem }) => {
    expect(readRequest(text)).toEqual({
      end: REFUSED,
      problem: endingIn(problem),
      tooLarge: false,
      unsupported: text.startsWith('CONNECT'),
    });
  });
});
