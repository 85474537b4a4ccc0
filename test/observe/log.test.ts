import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions, type LogOutput, prettyLine } from '../../src/observe/log.ts';

function setUp(output: Partial<LogOutput> = {}, options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const write = (text: string): void => void lines.push(text);
  const logger = createLogger({ level: 'info', color: false, ...options, output: { write, ...output } });
  return { lines, logger, only: () => JSON.parse(lines[0]!) as Record<string, unknown> };
}

describe('JSON lines', () => {
  it('have the level as a word, the time, the message and the fields, and nothing of the machine', () => {
    const { logger, only, lines } = setUp();
    const before = Date.now();
    logger.warn({ pool: 'web', backend: 'a' }, 'backend is down');
    expect(lines[0]?.endsWith('}\n')).toBe(true);
    const { time, ...rest } = only();
    expect(rest).toEqual({ level: 'warn', msg: 'backend is down', pool: 'web', backend: 'a' });
    expect(Number(time)).toBeGreaterThanOrEqual(before);
    expect(Number(time)).toBeLessThanOrEqual(Date.now());
  });

  it.each([
    ['trace', 6],
    ['debug', 5],
    ['info', 4],
    ['warn', 3],
    ['error', 2],
    ['silent', 0],
  ] as const)('at %s are %i of the six levels', (level, count) => {
    const { logger, lines } = setUp({}, { level });
    for (const at of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) logger[at]('x');
    expect(lines).toHaveLength(count);
  });

  it.each(['token', 'secret', 'password', 'authorization', 'cookie'])('never show a %s', (key) => {
    const { logger, lines, only } = setUp();
    const hidden = 'hunter2';
    logger.info({ [key]: hidden, admin: { [key]: hidden }, request: { headers: { [key]: hidden } } }, 'x');
    expect(lines[0]).not.toContain(hidden);
    expect(only()).toMatchObject({ [key]: '[redacted]', admin: { [key]: '[redacted]' } });
    expect(only()).toMatchObject({ request: { headers: { [key]: '[redacted]' } } });
  });

  it('have an error with its stack', () => {
    const { logger, only } = setUp();
    logger.error({ err: new TypeError('broken') }, 'failed');
    expect(only()['err']).toMatchObject({
      type: 'TypeError',
      message: 'broken',
      stack: expect.stringContaining('log.test'),
    });
  });

  it('are lost rather than kept while more than 1 MiB waits', () => {
    let writableLength = 1024 * 1024;
    const lines: string[] = [];
    const output = {
      write: (text: string) => lines.push(text),
      get writableLength() {
        return writableLength;
      },
    };
    const logger = createLogger({ level: 'info', color: false, output });
    logger.info('kept');
    writableLength++;
    logger.info('lost');
    writableLength = 0;
    logger.info('kept again');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['kept', 'kept again']);
  });
});

describe('lines for a terminal', () => {
  const time = new Date(2026, 0, 2, 3, 4, 5).getTime();
  const line = (fields: object, color = false): string =>
    prettyLine(JSON.stringify({ time, level: 'INFO', ...fields }), color);

  it('are written when the output is a terminal', () => {
    const { logger, lines } = setUp({ isTTY: true });
    logger.warn({ pool: 'web' }, 'backend is down');
    logger.info('fine');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d WARN {2}backend is down pool=web\n$/);
    expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d INFO {2}fine\n$/);
  });

  it('redact too', () => {
    const { logger, lines } = setUp({ isTTY: true });
    logger.info({ token: 'hunter2' }, 'x');
    expect(lines[0]).toMatch(/x token="\[redacted\]"\n$/);
  });

  it('have the time of day, the level, the message and the fields', () => {
    expect(line({ msg: 'listening', address: '127.0.0.1:8080', count: 3 })).toBe(
      '03:04:05 INFO  listening address=127.0.0.1:8080 count=3\n',
    );
    expect(line({ level: 'ERROR', msg: 'x' })).toBe('03:04:05 ERROR x\n');
  });

  it.each([
    ['two words', '"two words"'],
    ['', '""'],
    ['a"b', '"a\\"b"'],
    ['a=b', '"a=b"'],
    [['a', 1], '["a",1]'],
    [{ a: null }, '{"a":null}'],
    [true, 'true'],
    ['\u001b[2J', '"\\u001b[2J"'],
    ['\u009b2J', '"\\u009b2J"'],
    ['x\n12:00:00 INFO  forged', '"x\\n12:00:00 INFO  forged"'],
  ])('write the field %j as %s', (value, written) => {
    expect(line({ msg: 'm', key: value })).toBe(`03:04:05 INFO  m key=${written}\n`);
  });

  it.each([
    ['say "hi" to C:\\dir', 'say "hi" to C:\\dir'],
    ['a\nb', 'a\\nb'],
    ['\u001b]0;owned\u0007', '\\u001b]0;owned\\u0007'],
    ['\u009bK\u007f', '\\u009bK\\u007f'],
    ['naïve €', 'naïve €'],
  ])('write the message %j as %s', (msg, written) => {
    expect(line({ msg })).toBe(`03:04:05 INFO  ${written}\n`);
  });

  it('show the stack of an error below, one frame a line', () => {
    const err = { type: 'Error', message: 'broken', stack: 'Error: broken\n    at a\n    at \u001bb' };
    expect(line({ msg: 'failed', err, pool: 'web' })).toBe(
      '03:04:05 INFO  failed pool=web\n    Error: broken\n        at a\n        at \\u001bb\n',
    );
    expect(line({ msg: 'failed', err: {} })).toBe('03:04:05 INFO  failed\n');
  });

  it('have no message when there is none', () => {
    expect(line({ pool: 'web' })).toBe('03:04:05 INFO   pool=web\n');
  });

  it.each([
    ['TRACE', 90],
    ['DEBUG', 90],
    ['INFO', 32],
    ['WARN', 33],
    ['ERROR', 31],
    ['FATAL', 31],
    ['OTHER', 0],
  ])('are coloured by the level %s', (level, code) => {
    const grey = '\u001b[90m';
    const end = '\u001b[0m';
    expect(line({ level, msg: 'm', key: 'v' }, true)).toBe(
      `${grey}03:04:05${end} \u001b[${code}m${level.padEnd(5)}${end} m ${grey}key=${end}v\n`,
    );
  });

  it('are coloured only when asked', () => {
    const colour = '\u001b[';
    const colored = setUp({ isTTY: true }, { color: true });
    const plain = setUp({ isTTY: true });
    const json = setUp({}, { color: true });
    for (const { logger } of [colored, plain, json]) logger.info('x');
    expect([colored, plain, json].map(({ lines }) => lines[0]?.includes(colour))).toEqual([true, false, false]);
  });
});
