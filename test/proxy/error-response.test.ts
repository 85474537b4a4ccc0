import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ErrorCode,
  errorResponse,
  errorStatus,
  reasonPhrase,
  routeResponse,
  serializeResponse,
} from '../../src/proxy/error-response.ts';
import { fieldOf, readMessage } from '../support/http-text.ts';

const open = { close: false, bodiless: false };

describe('errorResponse', () => {
  it.each<[ErrorCode, number, string, string]>([
    ['bad-request', 400, 'Bad Request', ''],
    ['forbidden', 403, 'Forbidden', ''],
    ['no-route', 404, 'Not Found', ''],
    ['request-timeout', 408, 'Request Timeout', ''],
    ['body-too-large', 413, 'Content Too Large', ''],
    ['rate-limited', 429, 'Too Many Requests', ''],
    ['head-too-large', 431, 'Request Header Fields Too Large', ''],
    ['not-implemented', 501, 'Not Implemented', ''],
    ['backend-failed', 502, 'Bad Gateway', ''],
    ['no-backend', 503, 'Service Unavailable', '1'],
    ['saturated', 503, 'Service Unavailable', '1'],
    ['backend-timeout', 504, 'Gateway Timeout', ''],
  ])('%s is %i %s', (code, status, reason, retryAfter) => {
    const text = serializeResponse(errorResponse(code, 'the cause'), open);
    const answer = readMessage(text)!;
    expect(answer.startLine).toBe(`HTTP/1.1 ${status} ${reason}`);
    expect(answer.fields).toEqual([
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Fairlead-Error', code],
      ...(retryAfter === '' ? [] : [['Retry-After', retryAfter]]),
      ['Content-Length', '10'],
    ]);
    expect([answer.body, answer.length]).toEqual(['the cause\n', text.length]);
  });

  it('has a status for every code, and no other codes', () => {
    expect(Object.keys(errorStatus)).toHaveLength(12);
  });
});

describe('routeResponse', () => {
  it('of a redirect has a Location and no body', () => {
    const response = routeResponse({ kind: 'redirect', to: '/new/?a=b', status: 303 });
    expect(response).toEqual({ status: 303, fields: 'Location: /new/?a=b\r\n', body: '' });
  });

  it('of a fixed answer has its body as text', () => {
    const response = routeResponse({ kind: 'respond', status: 418, body: 'short and stout' });
    expect(response).toMatchObject({ status: 418, body: 'short and stout' });
    expect(response.fields).toBe('Content-Type: text/plain; charset=utf-8\r\n');
  });

  it('is not asked for by a route with a pool', () => {
    expect(() => routeResponse({ kind: 'pool', split: [], splitNumber: 0 })).toThrow(/pool/);
  });
});

describe('serializeResponse', () => {
  const response = { status: 200, fields: 'X-A: b\r\n', body: 'body' };
  const head = 'HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 4\r\n';

  it.each([
    [{ close: false, bodiless: false }, `${head}\r\nbody`],
    [{ close: true, bodiless: false }, `${head}Connection: close\r\n\r\nbody`],
    [{ close: false, bodiless: true }, `${head}\r\n`],
    [{ close: true, bodiless: true }, `${head}Connection: close\r\n\r\n`],
  ])('with %j', (options, text) => {
    expect(serializeResponse(response, options)).toBe(text);
  });

  it.each([204, 304])('sends neither body nor length with %i', (status) => {
    const text = serializeResponse({ ...response, status }, open);
    expect(text).toBe(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\nX-A: b\r\n\r\n`);
  });

  it('has an empty reason for a status without a well-known one', () => {
    expect(serializeResponse({ ...response, status: 299 }, open)).toMatch(/^HTTP\/1\.1 299 \r\n/);
  });

  it('has the bytes of any body, and says how many they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (body) => {
        const text = serializeResponse({ status: 200, fields: '', body }, open);
        const answer = readMessage(text)!;
        expect(Buffer.from(answer.body, 'latin1').toString()).toBe(body.toWellFormed());
        expect([answer.length, fieldOf(answer, 'content-length')]).toEqual([
          text.length,
          String(Buffer.byteLength(body)),
        ]);
      }),
    );
  });
});

describe('reasonPhrase', () => {
  it('knows every status that Fairlead answers with by itself', () => {
    const own = [...Object.values(errorStatus), 200, 204, 301, 302, 303, 307, 308];
    expect(own.filter((status) => reasonPhrase(status) === '')).toEqual([]);
  });

  it.each([
    [200, 'OK'],
    [201, 'Created'],
    [202, 'Accepted'],
    [204, 'No Content'],
    [301, 'Moved Permanently'],
    [302, 'Found'],
    [303, 'See Other'],
    [307, 'Temporary Redirect'],
    [308, 'Permanent Redirect'],
    [401, 'Unauthorized'],
    [405, 'Method Not Allowed'],
    [410, 'Gone'],
    [418, "I'm a teapot"],
    [451, 'Unavailable For Legal Reasons'],
    [500, 'Internal Server Error'],
    [599, ''],
  ])('of %i is %j', (status, phrase) => {
    expect(reasonPhrase(status)).toBe(phrase);
  });
});
