import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadEdit } from '../../src/http1/head-edit.ts';
import {
  type ErrorCode,
  errorResponse,
  errorStatus,
  reasonPhrase,
  routeResponse,
  serializeResponse,
} from '../../src/proxy/error-response.ts';
import { type RoutePlan, RouteSite } from '../../src/proxy/route-site.ts';
import { fieldOf, readMessage } from '../support/http-text.ts';
import { counted } from './counted.ts';

const open = { close: false, bodiless: false };

describe('errorResponse', () => {
  it.each<[ErrorCode, number, string, string]>([
    ['bad-request', 400, 'Bad Request', ''],
    ['forbidden', 403, 'Forbidden', ''],
    ['no-route', 404, 'Not Found', ''],
    ['request-timeout', 408, 'Request Timeout', ''],
    ['body-too-large', 413, 'Content Too Large', ''],
    ['rate-limited', 429, 'Too Many Requests', '1'],
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

const { meters } = counted();

/** A route that answers by itself. */
function routeOf(action: RoutePlan['action'], paths: readonly string[] = [], response?: HeadEdit): RouteSite {
  const retry = { attempts: 1, onConnect: false, onReset: false };
  return new RouteSite(meters, 'web', { name: 'r', action, paths, timeoutMs: 1000, retry, headers: { response } });
}

describe('routeResponse', () => {
  it('of a redirect has a Location and no body', () => {
    const response = routeResponse(routeOf({ kind: 'redirect', to: '/new/?a=b', status: 303 }), '/x');
    expect(response).toEqual({ status: 303, fields: 'Location: /new/?a=b\r\n', body: '' });
  });

  it('of a redirect with captures depends on the target, and is none when that may mean two things', () => {
    const route = routeOf({ kind: 'redirect', to: '/new/$1', status: 308 }, ['~^/old/(.*)']);
    expect(routeResponse(route, '/old/a?b')).toEqual({ status: 308, fields: 'Location: /new/a\r\n', body: '' });
    expect(routeResponse(route, '/old/..%2fa')).toBeUndefined();
  });

  it('of a fixed answer has its body as text', () => {
    const response = routeResponse(routeOf({ kind: 'respond', status: 418, body: 'short and stout' }), '/');
    expect(response).toEqual({
      status: 418,
      fields: 'Content-Type: text/plain; charset=utf-8\r\n',
      body: 'short and stout',
    });
  });

  it('is not asked for by a route with a pool', () => {
    expect(() => routeResponse(routeOf({ kind: 'pool', split: [], splitNumber: 0 }), '/')).toThrow(/pool/);
  });
});

describe('the headers of a route', () => {
  const edit = new HeadEdit({ drop: ['content-type'], lines: 'Content-Type: a/b\r\nX: y\r\n' });

  it('complete those of an error', () => {
    expect(errorResponse('no-route', 'none', edit)).toEqual({
      status: 404,
      fields: 'Content-Type: text/plain; charset=utf-8\r\nFairlead-Error: no-route\r\nX: y\r\n',
      body: 'none\n',
    });
  });

  it('replace those of the answer of a route', () => {
    const { fields } = routeResponse(routeOf({ kind: 'respond', status: 200, body: '{}' }, [], edit), '/')!;
    expect(fields).toBe('Content-Type: a/b\r\nX: y\r\n');
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
