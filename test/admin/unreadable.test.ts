import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { answerUnreadable } from '../../src/admin/unreadable.ts';
import { parseAnswer } from './fixture.ts';

function failure(code?: string): NodeJS.ErrnoException {
  return Object.assign(new Error('read'), code === undefined ? {} : { code });
}

describe('answerUnreadable', () => {
  it.each([
    ['HPE_INVALID_METHOD', 400, 'bad-request'],
    ['HPE_HEADER_OVERFLOW', 431, 'head-too-large'],
    ['ERR_HTTP_REQUEST_TIMEOUT', 408, 'request-timeout'],
    [undefined, 400, 'bad-request'],
  ])('answers %s with %i and ends the connection', async (code, status, error) => {
    const socket = new PassThrough({ encoding: 'latin1' });
    answerUnreadable(failure(code), socket);
    expect(socket.writableEnded).toBe(true);
    const answer = parseAnswer((await socket.toArray()).join(''));
    expect(answer.status).toBe(status);
    expect(answer.head.split('\r\n').slice(1)).toEqual([
      'Content-Type: application/json',
      `Content-Length: ${answer.body.length}`,
      'Connection: close',
    ]);
    expect(JSON.parse(answer.body)).toEqual({ error, message: expect.any(String) });
  });

  it('writes nothing to a client that is gone', () => {
    const socket = new PassThrough();
    answerUnreadable(failure('ECONNRESET'), socket);
    expect([socket.destroyed, socket.readableLength]).toEqual([true, 0]);
  });

  it('closes a connection whose answer was already ended', () => {
    const socket = new PassThrough();
    socket.end();
    answerUnreadable(failure('HPE_INVALID_METHOD'), socket);
    expect([socket.destroyed, socket.readableLength]).toEqual([true, 0]);
  });
});
