import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { RequestHead } from '../../src/http1/request-head.ts';
import { HeadFacts } from '../../src/proxy/head-facts.ts';
import { HeldBody } from '../../src/proxy/held-body.ts';
import { requestText } from '../support/requests.ts';
import { parsed } from './parsed.ts';

const factsOf = (text: string, source = '10.0.0.1'): HeadFacts => new HeadFacts(parsed(text)).load(source);

describe('HeadFacts', () => {
  it.each([
    ['GET /a/b?c=d&e HTTP/1.1', '/a/b', 'c=d&e'],
    ['GET /a HTTP/1.1', '/a', ''],
    ['GET /a? HTTP/1.1', '/a', ''],
    ['GET /a?b?c HTTP/1.1', '/a', 'b?c'],
    ['GET /%3F?x HTTP/1.1', '/%3F', 'x'],
    ['GET http://b.test HTTP/1.1', '/', ''],
    ['GET http://b.test?q HTTP/1.1', '/', 'q'],
    ['OPTIONS * HTTP/1.1', '*', ''],
  ])('of %s has path %s and query %j', (line, path, query) => {
    const facts = factsOf(requestText(line));
    expect([facts.path, facts.query]).toEqual([path, query]);
  });

  it.each([
    ['GET / HTTP/1.1', 'Host: A.Test:8080', 'a.test'],
    ['GET / HTTP/1.1', 'Host: a.test.', 'a.test'],
    ['GET / HTTP/1.1', 'Host: [2001:DB8::1]:80', '2001:db8::1'],
    ['GET http://B.test:81/ HTTP/1.1', 'Host: a.test', 'b.test'],
    ['GET / HTTP/1.0', 'X-A: b', ''],
  ])('of %s with %s has host %j', (line, field, host) => {
    expect(factsOf([line, field, '', ''].join('\r\n')).host).toBe(host);
  });

  it('has the method, the source and fields, cookies joined as cookies are', () => {
    const facts = factsOf(requestText('PUT / HTTP/1.1', ['X-A: 1', 'x-a: 2', 'Cookie: a=1', 'Cookie: b=2']), '::1');
    expect([facts.method, facts.source]).toEqual(['PUT', '::1']);
    expect(['x-a', 'cookie', 'x-none'].map((name) => facts.header(name))).toEqual(['1, 2', 'a=1; b=2', undefined]);
  });

  it('follows the head it was made for through one request after another', () => {
    const head = new RequestHead();
    const facts = new HeadFacts(head);
    parsed(requestText('GET /one?x HTTP/1.1', ['X-A: 1']), head);
    expect(facts.load('1.1.1.1')).toBe(facts);
    expect([facts.path, facts.query, facts.source, facts.header('x-a')]).toEqual(['/one', 'x', '1.1.1.1', '1']);
    parsed(requestText('POST /two HTTP/1.1'), head);
    facts.load('2.2.2.2');
    expect([facts.method, facts.path, facts.query, facts.source]).toEqual(['POST', '/two', '', '2.2.2.2']);
    expect(facts.header('x-a')).toBeUndefined();
  });

  it.each<[string, string[], Uint8Array | null | undefined]>([
    ['none', [], null],
    ['none in words', ['Content-Length: 0'], null],
    ['one that has not come', ['Content-Length: 10'], undefined],
    ['chunks that have not come', ['Transfer-Encoding: chunked'], undefined],
    ['one that says it is too large', ['Content-Length: 11'], null],
    ['a compressed one', ['Content-Length: 10', 'Content-Encoding: gzip'], null],
    ['one that says it is not compressed', ['Content-Length: 10', 'Content-Encoding: Identity'], undefined],
  ])('tells of the body: %s', (_name, fields, body) => {
    expect(factsOf(requestText('POST / HTTP/1.1', fields)).body(10)).toBe(body);
  });

  it('has the body that is held, for one request', () => {
    const head = parsed(requestText('POST / HTTP/1.1', ['Content-Length: 2']));
    const held = new HeldBody(head, 10);
    held.add(Buffer.from('ab'), 0, 2, { dataBytes: 2, whole: true });
    const facts = new HeadFacts(head);
    expect(facts.load('', held).body(10)).toEqual(Buffer.from('ab'));
    expect(facts.load('').body(10)).toBeUndefined();
  });
});
