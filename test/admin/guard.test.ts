import { describe, expect, it } from 'vitest';
import { TokenAttempts } from '../../src/admin/attempts.ts';
import { createGuard, type GuardedRequest } from '../../src/admin/guard.ts';
import { type Address, parseAddress } from '../../src/support/address.ts';

function bound(...texts: string[]): Address[] {
  return texts.map((text) => {
    const address = parseAddress(text);
    if (typeof address === 'string') throw new Error(address);
    return address;
  });
}

const nobody = { host: undefined, origin: undefined, authorization: undefined, localPort: 9900, source: '127.0.0.1' };

/** The status of a refusal, or 200. */
function outcome(bind: Address[], token: string, request: Partial<GuardedRequest>, open = false): number {
  const whole = { ...nobody, ...request };
  return createGuard(bind, token, new TokenAttempts(() => 0))(whole, open)?.status ?? 200;
}

describe('the Host of a request to a loopback bind', () => {
  it.each([
    ['127.0.0.1:9900', 200],
    ['localhost:9900', 200],
    ['LocalHost:9900', 200],
    ['[::1]:9900', 200],
    ['[0:0:0:0:0:0:0:1]:9900', 200],
    ['[0000::0001]:9900', 200],
    ['evil.example:9900', 403],
    ['127.0.0.1.evil.example:9900', 403],
    ['localhost.evil.example:9900', 403],
    ['localhost.:9900', 403],
    ['127.0.0.2:9900', 403],
    ['10.0.0.5:9900', 403],
    ['[::2]:9900', 403],
    ['[::ffff:127.0.0.1]:9900', 403],
    ['127.0.0.1:9901', 403],
    ['127.0.0.1:80', 403],
    ['127.0.0.1', 403],
    ['localhost', 403],
    ['127.0.0.1:', 403],
    ['127.0.0.1:09900', 200],
    ['127.0.0.1:009900', 403],
    ['127.0.0.1:9900x', 403],
    ['127.0.0.1:-9900', 403],
    ['evil@127.0.0.1:9900', 403],
    ['127.0.0.1:9900@evil', 403],
    ['127.0.0.1:9900, evil', 403],
    ['evil, 127.0.0.1:9900', 403],
    ['127.0.0.1:9900/evil', 403],
    ['127.0.0.1:9900#', 403],
    ['http://127.0.0.1:9900', 403],
    ['::1:9900', 403],
    ['[::1', 403],
    ['[::1]9900', 403],
    ['[127.0.0.1]:9900', 403],
    ['0x7f.1:9900', 403],
    ['2130706433:9900', 403],
    [' 127.0.0.1:9900', 403],
    [':9900', 403],
    ['', 403],
    [undefined, 403],
  ])('%j: %i', (host, expected) => {
    expect(outcome(bound('127.0.0.1:9900'), '', { host })).toBe(expected);
  });

  it('may leave out the port when it is 80', () => {
    const request = { host: '127.0.0.1', localPort: 80 };
    expect(outcome(bound('127.0.0.1:80'), '', request)).toBe(200);
    expect(outcome(bound('127.0.0.1:80'), '', { ...request, host: 'evil.example' })).toBe(403);
  });
});

describe('the Host of a request to other binds', () => {
  it.each([
    [['10.0.0.5:9900'], '10.0.0.5:9900', 200],
    [['10.0.0.5:9900'], 'localhost:9900', 200],
    [['10.0.0.5:9900'], '10.0.0.6:9900', 403],
    [['10.0.0.5:9900'], '10.0.0.5:80', 403],
    [['admin.internal:9900'], 'admin.internal:9900', 200],
    [['admin.internal:9900'], 'Admin.Internal:9900', 200],
    [['admin.internal:9900'], 'internal:9900', 403],
    [['[fd00:0::5]:9900'], '[fd00::5]:9900', 200],
    [['[fd00::5]:9900'], '[FD00:0:0::5]:9900', 200],
    [['[fd00::5]:9900'], '[fd00::6]:9900', 403],
    [['[fe80::1%lo]:9900'], '[fe80::1]:9900', 200],
    [['[fe80::1%lo]:9900'], '[FE80:0::1%lo]:9900', 200],
    [['[fe80::1%lo]:9900'], '[fe80::2%lo]:9900', 403],
    [['[fe80::1%lo]:9900'], '[fe80::1%]:9900', 403],
    [['[fe80::1%lo]:9900'], '[fe80::1%lo@evil]:9900', 403],
    [['[fd00::5]:9900'], '[fe80::1%lo]:9900', 403],
    [['127.0.0.1:9900', '10.0.0.5:9900'], '10.0.0.5:9900', 200],
    [[':9900'], '192.0.2.9:9900', 200],
    [[':9900'], '192.0.2.9:19900', 200],
    [[':9900'], '192.0.2.9', 200],
    [[':9900'], 'localhost:19900', 200],
    [[':9900'], '[2001:db8::9]:443', 200],
    [[':9900'], 'evil.example:9900', 403],
    [[':9900'], 'localhost.evil.example', 403],
    [['0.0.0.0:9900'], '192.0.2.9:1', 200],
    [['0.0.0.0:9900'], 'evil.example:9900', 403],
    [['0.0.0.0:9900'], 'fairlead:9900', 200],
    [['127.0.0.1:9900'], 'fairlead:9900', 403],
    [['0.0.0.0:9900', 'admin.internal:9900'], 'admin.internal:9900', 200],
    [['127.0.0.1:9900', ':9901'], 'evil.example:9900', 403],
  ])('bound to %j, %s: %i', (bind, host, expected) => {
    expect(outcome(bound(...bind), 'token', { host }, true)).toBe(expected);
  });

  it('does not matter on a Unix socket, which no browser reaches', () => {
    for (const host of ['anything', '', undefined])
      expect(outcome(bound('unix:/run/admin.sock'), '', { host, localPort: undefined })).toBe(200);
  });
});

describe('the Origin of a request', () => {
  const host = '127.0.0.1:9900';
  it.each([
    [undefined, 200],
    ['http://127.0.0.1:9900', 200],
    ['https://127.0.0.1:9900', 200],
    ['HTTP://127.0.0.1:9900', 200],
    ['http://localhost:9900', 403],
    ['http://127.0.0.1:9901', 403],
    ['http://127.0.0.1', 403],
    ['http://127.0.0.1:99000', 403],
    ['http://evil.example', 403],
    ['http://evil.example:9900', 403],
    ['http://127.0.0.1:9900.evil.example', 403],
    ['http://evil@127.0.0.1:9900/x', 403],
    ['ftp://127.0.0.1:9900', 403],
    ['file://127.0.0.1:9900', 403],
    ['xhttp://127.0.0.1:9900', 403],
    ['null', 403],
    ['', 403],
  ])('%j: %i', (origin, expected) => {
    expect(outcome(bound(host), '', { host, origin })).toBe(expected);
  });

  it('may leave out the port of its scheme', () => {
    const bind = bound('0.0.0.0:80');
    expect(outcome(bind, 't', { host: '10.0.0.5:80', origin: 'http://10.0.0.5' }, true)).toBe(200);
    expect(outcome(bind, 't', { host: '10.0.0.5', origin: 'https://10.0.0.5:443' }, true)).toBe(200);
    expect(outcome(bind, 't', { host: '10.0.0.5', origin: 'http://10.0.0.5:443' }, true)).toBe(403);
  });

  it('is held against the Host on a Unix socket too', () => {
    const request = { host: 'admin.example', localPort: undefined };
    const bind = bound('unix:/run/admin.sock');
    expect(outcome(bind, '', { ...request, origin: 'https://admin.example' })).toBe(200);
    expect(outcome(bind, '', { ...request, origin: 'https://evil.example' })).toBe(403);
    expect(outcome(bind, '', { ...request, host: 'not a host', origin: 'https://evil.example' })).toBe(403);
  });
});

describe('the token', () => {
  const host = '127.0.0.1:9900';
  it.each([
    ['Bearer s3cret', 200],
    ['bearer s3cret', 200],
    ['Bearer  s3cret ', 200],
    ['Bearer s3cre', 401],
    ['Bearer s3cret1', 401],
    ['Bearer S3cret', 401],
    ['Bearer s3cret s3cret', 401],
    ['Bearer', 401],
    ['Bearer ', 401],
    ['Bearers3cret', 401],
    ['Basic s3cret', 401],
    ['xBearer s3cret', 401],
    ['s3cret', 401],
    ['', 401],
    [undefined, 401],
  ])('%j: %i', (authorization, expected) => {
    expect(outcome(bound(host), 's3cret', { host, authorization })).toBe(expected);
  });

  it('is needed neither for an open endpoint nor where none is set', () => {
    expect(outcome(bound(host), 's3cret', { host }, true)).toBe(200);
    expect(outcome(bound(host), '', { host })).toBe(200);
    expect(outcome(bound(host), '', { host, authorization: 'Bearer anything' })).toBe(200);
  });

  it('does not open the door to a foreign Host or Origin, and nor does an open endpoint', () => {
    const authorization = 'Bearer s3cret';
    expect(outcome(bound(host), 's3cret', { host: 'evil.example', authorization })).toBe(403);
    expect(outcome(bound(host), 's3cret', { host, origin: 'null', authorization })).toBe(403);
    expect(outcome(bound(host), 's3cret', { host: 'evil.example' }, true)).toBe(403);
    expect(outcome(bound(host), 's3cret', { host, origin: 'http://evil.example' }, true)).toBe(403);
  });
});

describe('a refusal', () => {
  it('says by a code and a sentence what was wrong, and never what would be right', () => {
    const guard = createGuard(bound('127.0.0.1:9900'), 's3cret', new TokenAttempts(() => 0));
    const request = { ...nobody, host: '127.0.0.1:9900', authorization: 'Bearer wrong' };
    expect(guard({ ...request, host: 'evil' }, false)).toMatchObject({ status: 403, error: 'foreign-host' });
    expect(guard({ ...request, origin: 'null' }, false)).toMatchObject({ status: 403, error: 'foreign-origin' });
    const refusal = guard(request, false);
    expect(refusal).toMatchObject({ status: 401, error: 'unauthorized' });
    expect(refusal?.message).not.toMatch(/s3cret|wrong/);
  });
});

describe('guessing the token', () => {
  function start() {
    const time = { ms: 0 };
    const guard = createGuard(bound('127.0.0.1:9900'), 's3cret', new TokenAttempts(() => time.ms));
    const ask = (token: string | undefined, source = '192.0.2.1', open = false) => {
      const authorization = token === undefined ? undefined : `Bearer ${token}`;
      return guard({ ...nobody, host: '127.0.0.1:9900', authorization, source }, open)?.status ?? 200;
    };
    return { time, ask };
  }

  it('is looked at ten times, and then once a second, be it right or wrong', () => {
    const { time, ask } = start();
    expect(Array.from({ length: 12 }, (_, guess) => ask(`guess-${guess}`))).toEqual([...Array(10).fill(401), 429, 429]);
    expect(ask('s3cret')).toBe(429);
    time.ms = 1000;
    expect([ask('s3cret'), ask('s3cret'), ask('wrong'), ask('s3cret')]).toEqual([200, 200, 401, 429]);
    time.ms = 1_000_000;
    expect(Array.from({ length: 11 }, () => ask('wrong'))).toEqual([...Array(10).fill(401), 429]);
  });

  it('bars nobody else, no probes, and nobody who sends no token', () => {
    const { ask } = start();
    for (let guess = 0; guess < 20; guess++) ask('wrong', '2001:db8::1');
    expect(ask('s3cret', '2001:db8::2')).toBe(429);
    expect(ask('s3cret', '2001:db8:0:1::2')).toBe(200);
    expect(ask('wrong', '2001:db8::1', true)).toBe(200);
    for (let asked = 0; asked < 20; asked++) expect(ask(undefined, '192.0.2.7')).toBe(401);
    expect(ask('s3cret', '192.0.2.7')).toBe(200);
    for (let guess = 0; guess < 20; guess++) ask('wrong', '::ffff:192.0.2.8');
    expect(ask('s3cret', '192.0.2.8')).toBe(429);
  });

  it('is remembered of the latest sources only', () => {
    const { ask } = start();
    for (let guess = 0; guess < 20; guess++) ask('wrong', '192.0.2.1');
    for (let source = 0; source < 1024; source++) ask('wrong', `10.0.${source >> 8}.${source & 255}`);
    expect(ask('s3cret', '192.0.2.1')).toBe(200);
  });
});
