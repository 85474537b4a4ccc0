import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAccess } from '../../src/observe/access-format.ts';
import { connectionRecord, requestRecord } from './records.ts';

/** Everything that could end a line, or that a terminal or a log viewer acts on. */
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom('"', '\\', '\n', '\r', '\t', '\0', '\u001b', '\u007f', '\u0085', '\u2028', ' ', '-', '[', ']'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom('\ud800', '\udfff'),
  ),
});

const fields = fc.record({ target: hostile, method: hostile, userAgent: hostile, referer: hostile, client: hostile });

describe('json', () => {
  it('writes every field, the time in ISO 8601', () => {
    const line = formatAccess(requestRecord(), 'json');
    const { cause: _, ...shown } = requestRecord();
    expect(JSON.parse(line)).toEqual({ ...shown, time: '2026-02-03T04:05:06.789Z', reason: 'served' });
    expect(line.startsWith('{"time":"2026-02-03T04:05:06.789Z","kind":"request","listener":"web",')).toBe(true);
  });

  it('writes a connection', () => {
    const parsed = JSON.parse(formatAccess(connectionRecord(), 'json'));
    expect(parsed).toEqual({
      ...connectionRecord(),
      time: '2026-12-31T23:59:59.000Z',
      reason: 'closed by both sides',
    });
  });

  it('keeps a record on one line and gives back what was sent', () => {
    fc.assert(
      fc.property(fields, (sent) => {
        const line = formatAccess(requestRecord(sent), 'json');
        expect(line).not.toMatch(controls);
        expect(JSON.parse(line)).toMatchObject(sent);
      }),
    );
  });

  it.each([
    ['\u007f', '\\u007f'],
    ['\u009b', '\\u009b'],
    ['\u0080', '\\u0080'],
    ['\u2028', '\\u2028'],
    ['\u2029', '\\u2029'],
    ['\u00a0', '\u00a0'],
    ['é', 'é'],
    ['\n', '\\n'],
  ])('writes %j as %s', (sent, written) => {
    expect(formatAccess(requestRecord({ target: sent }), 'json')).toContain(`"target":"${written}"`);
  });
});

describe('combined', () => {
  it('is the format of Apache, in UTC', () => {
    expect(formatAccess(requestRecord(), 'combined')).toBe(
      '192.0.2.7 - - [03/Feb/2026:04:05:06 +0000] "GET /v1/items?page=2 HTTP/1.1" 200 3456 "https://example.com/" "curl/8.0"',
    );
  });

  it('has a dash for what was not sent', () => {
    const line = formatAccess(requestRecord({ client: '', referer: '', userAgent: '', status: 499 }), 'combined');
    expect(line).toBe('- - - [03/Feb/2026:04:05:06 +0000] "GET /v1/items?page=2 HTTP/1.1" 499 3456 "-" "-"');
  });

  it('has a dash for the request line of a request that could not be read', () => {
    const line = formatAccess(requestRecord({ method: '', target: '', protocol: '', status: 400 }), 'combined');
    expect(line).toContain('] "-" 400 3456 ');
  });

  it('has a line for a connection too', () => {
    expect(formatAccess(connectionRecord(), 'combined')).toBe(
      '2001:db8::1 - - [31/Dec/2026:23:59:59 +0000] "TCP db 127.0.0.1:5432" 0 20 "-" "-"',
    );
  });

  it.each(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'])('knows %s', (month) => {
    const time = Date.parse(`09 ${month} 2026 00:00:00 GMT`);
    expect(formatAccess(requestRecord({ time }), 'combined')).toContain(`[09/${month}/2026:00:00:00 +0000]`);
  });

  it.each([
    ['"', '\\x22'],
    ['\\', '\\x5C'],
    ['\n', '\\x0A'],
    ['\u001b[31m', '\\x1B[31m'],
    ['\u007f', '\\x7F'],
    ['\u0080', '\\x80'],
    ['é', '\\xE9'],
    ['ÿ', '\\xFF'],
    ['Ā', '\\u0100'],
    ['€', '\\u20ac'],
    ['\u2028', '\\u2028'],
    ['~ !', '~ !'],
  ])('writes %j as %s', (sent, written) => {
    const line = formatAccess(requestRecord({ target: `/${sent}.`, userAgent: sent, referer: sent }), 'combined');
    expect(line).toContain(`"GET /${written}. HTTP/1.1"`);
    expect(line.endsWith(`"${written}" "${written}"`)).toBe(true);
  });

  it('keeps a forged line inside its field', () => {
    const forged = '/" 200 0 "-" "-"\n10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET /admin HTTP/1.1';
    const line = formatAccess(requestRecord({ target: forged }), 'combined');
    expect(line.split('\n')).toHaveLength(1);
    expect(line.match(/"/g)).toHaveLength(6);
  });

  it('has the same fields whatever was sent', () => {
    const shape = /^[!-~]+ - - \[[\w/: +]+\] "[ -!#-~]*" 200 3456 "[ -!#-~]+" "[ -!#-~]+"$/;
    fc.assert(
      fc.property(fields, (sent) => {
        expect(formatAccess(requestRecord(sent), 'combined')).toMatch(shape);
      }),
    );
  });
});
