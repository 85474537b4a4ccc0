import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../src/observe/access-reason.ts';
import { connectionRecord, requestRecord } from './records.ts';

const nothingSent = { bytesOut: 0, bodyBytesOut: 0 };

describe('why a request ended', () => {
  it.each([
    [{ ended: 'served' }, 'served'],
    [{ ended: 'fault' }, 'answered on purpose by the fault of its route'],
    [{ ended: 'client-aborted', ...nothingSent }, 'client left before the answer'],
    [{ ended: 'client-aborted' }, 'client left after 3456 bytes of the answer'],
    [{ ended: 'client-timeout' }, 'client did not take the answer in time after 3456 bytes of the answer'],
    [{ ended: 'backend-reset' }, 'backend reset the connection after 3456 bytes of the answer'],
    [{ ended: 'backend-reset', bodyBytesOut: 0 }, 'backend reset the connection after 0 bytes of the answer'],
    [{ ended: 'drained', ...nothingSent }, 'cut at the end of a drain'],
    [
      { ended: 'bad-response', cause: 'a bad chunk size' },
      'backend broke the framing of its answer after 3456 bytes of the answer: a bad chunk size',
    ],
    [{ ended: 'backend-failed', cause: 'the backend refused the connection' }, 'the backend refused the connection'],
    [{ ended: 'backend-timeout', cause: 'the backend did not answer in time' }, 'the backend did not answer in time'],
    [{ ended: 'no-route', cause: 'no route of listener web matches' }, 'no route of listener web matches'],
    [{ ended: 'something-new' }, 'something-new'],
  ])('%j: %s', (changed, expected) => {
    expect(reasonOf(requestRecord(changed))).toBe(expected);
  });
});

describe('why a connection ended', () => {
  it.each([
    ['closed', 'closed by both sides'],
    ['client-aborted', 'client left before a backend was connected'],
    ['connect-refused', 'the backend refused the connection'],
    ['none-healthy', 'no backend of the pool is available'],
    ['something-new', 'something-new'],
  ])('%s: %s', (ended, expected) => {
    expect(reasonOf(connectionRecord({ ended }))).toBe(expected);
  });
});
