import { describe, expect, it } from 'vitest';
import { readTarget } from '../../../src/runtime/explain/target.ts';

describe('a URL', () => {
  it.each([
    ['http://A.example.com:8080/x/../%2e?q=1#part', 'http', false, 'a.example.com', 8080, '/x/../%2e?q=1'],
    ['https://a.test', 'http', true, 'a.test', undefined, '/'],
    ['wss://a.test?q', 'http', true, 'a.test', undefined, '/?q'],
    ['ws://[::1]:80/chat', 'http', false, '::1', 80, '/chat'],
    ['a.test/x', 'http', false, 'a.test', undefined, '/x'],
    ['localhost:8080', 'http', false, 'localhost', 8080, '/'],
    ['/only/a?path', 'http', false, '', undefined, '/only/a?path'],
    ['http://a.test/ü', 'http', false, 'a.test', undefined, '/%C3%BC'],
    ['tcp://127.0.0.1:5432', 'tcp', false, '127.0.0.1', 5432, '/'],
    ['tls://Db.test:5432/', 'tcp', true, 'db.test', 5432, '/'],
    ['udp://[::1]:53', 'udp', false, '::1', 53, '/'],
  ])('%s is read as it is written', (url, kind, tls, host, port, path) => {
    expect(readTarget(url)).toMatchObject({ kind, tls, host, port, path });
  });

  it.each([
    ['http://a b/', 'it has a space or a control character'],
    ['ftp://a/', 'the scheme ftp is none of http, https, ws, wss, tcp, tls, udp'],
    ['http://me:pw@a.test/', 'leave the user and the password out, and give an Authorization header'],
    ['http://[::g]/', '"[::g]" is not a host, or a host and a port'],
    ['http://[1.2.3.4]/', '"[1.2.3.4]" is not a host, or a host and a port'],
    ['http://a:b/', '"a:b" is not a host, or a host and a port'],
    ['http://a:70000/', '70000 is not a port'],
    ['tcp://a', 'a tcp URL needs a port, as in tcp://127.0.0.1:5432'],
    ['udp://a:53/x', 'a udp URL has no path'],
  ])('%s is refused', (url, problem) => {
    expect(readTarget(url)).toBe(problem);
  });
});
