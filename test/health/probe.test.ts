import { describe, expect, test } from 'vitest';
import { connectOptions, LocalShortage, probeFailure } from '../../src/health/probe.ts';

const coded = (code: string) => Object.assign(new Error(`raw ${code}`), { code });

describe('connectOptions', () => {
  test.each([
    [{ address: { kind: 'tcp', host: '::1', port: 80 }, port: 0 } as const, { host: '::1', port: 80 }],
    [{ address: { kind: 'tcp', host: 'db', port: 80 }, port: 81 } as const, { host: 'db', port: 81 }],
    [{ address: { kind: 'unix', path: '/run/app' }, port: 81 } as const, { path: '/run/app' }],
  ])('%j', (endpoint, options) => {
    expect(connectOptions(endpoint)).toEqual(options);
  });
});

describe('probeFailure', () => {
  test.each([
    ['ECONNREFUSED', 'connection refused'],
    ['ECONNRESET', 'connection reset'],
    ['EPIPE', 'connection reset'],
    ['ETIMEDOUT', 'connection timed out'],
    ['EHOSTUNREACH', 'no route to host'],
    ['EHOSTDOWN', 'host is down'],
    ['ENETUNREACH', 'no route to network'],
    ['EACCES', 'permission denied'],
    ['EPERM', 'permission denied'],
    ['ENOENT', 'no such socket file'],
    ['EAGAIN', 'backlog is full'],
    ['HPE_HEADER_OVERFLOW', 'response head is too large'],
    ['HPE_INVALID_CONSTANT', 'answer is not HTTP'],
  ])('%s is the backend’s failure: %s', (code, message) => {
    const cause = coded(code);
    const failure = probeFailure(cause);
    expect(failure).toEqual(new Error(message, { cause }));
    expect(failure).not.toBeInstanceOf(LocalShortage);
  });

  test.each([
    ['EMFILE', 'too many open files here'],
    ['ENFILE', 'too many open files on this machine'],
    ['ENOBUFS', 'no buffer space here'],
    ['ENOMEM', 'no memory here'],
    ['EADDRNOTAVAIL', 'no local address or port to connect from'],
  ])('%s is a shortage of our own: %s', (code, message) => {
    const failure = probeFailure(coded(code));
    expect(failure).toBeInstanceOf(LocalShortage);
    expect(failure.message).toBe(message);
  });

  test.each([coded('ESOMETHING'), new Error('name x does not resolve: no such name')])(
    '%s passes as it is',
    (error) => {
      expect(probeFailure(error)).toBe(error);
    },
  );
});
