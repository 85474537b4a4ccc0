import pino, { type Logger } from 'pino';

export type { Logger } from 'pino';

/** Where a log goes: process.stdout, or anything like it. */
export interface LogOutput {
  write(text: string): unknown;
  /** True for a terminal: lines are then for people, otherwise JSON. */
  readonly isTTY?: boolean | undefined;
  /** What was written and has not left yet, in bytes. */
  readonly writableLength?: number | undefined;
}

/** What a logger is made of. */
export interface LoggerOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly output: LogOutput;
  /** Colours on a terminal; off when the environment has NO_COLOR (no-color.org). */
  readonly color: boolean;
}

const HELD_UP_BYTES = 1024 * 1024;
const secretKeys = ['token', 'secret', 'password', 'authorization', 'cookie'];
const secretPaths = secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/** DEL and the C1 controls; JSON escapes the others by itself. */
const unescapedControls = /[\u007f-\u009f]/g;
const levelColors: Record<string, number> = { TRACE: 90, DEBUG: 90, INFO: 32, WARN: 33, ERROR: 31, FATAL: 31 };
const bareWord = /^[\w.:/@+-]+$/;

function escapeControls(text: string): string {
  return text.replace(unescapedControls, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A value after `key=`: bare when it is one plain word, otherwise as JSON, which has no control character in it. */
function field(value: unknown): string {
  return typeof value === 'string' && bareWord.test(value) ? value : escapeControls(JSON.stringify(value));
}

/** A message for the terminal: as it is, but for control characters, which could speak to the terminal. */
function message(text: unknown): string {
  return escapeControls(
    JSON.stringify(String(text))
      .slice(1, -1)
      .replace(/\\(["\\])/g, '$1'),
  );
}

/**
 * The line a person reads, from pino's line: local time of day, level, message, then the other fields as key=value,
 * and below it the stack of an error.
 */
export function prettyLine(json: string, color: boolean): string {
  const { time, level, msg = '', err, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const paint = (code: number, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const label = String(level);
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const parts = [paint(90, clock), paint(levelColors[label] ?? 0, label.padEnd(5)), message(msg)];
  for (const [key, value] of Object.entries(rest)) parts.push(`${paint(90, `${key}=`)}${field(value)}`);
  const { stack } = (err ?? {}) as { stack?: unknown };
  const frames = stack === undefined ? [] : String(stack).split('\n');
  return `${[parts.join(' '), ...frames.map((frame) => `    ${message(frame)}`)].join('\n')}\n`;
}

/**
 * A logger: for people on a terminal, JSON lines (epoch milliseconds, level as a word) elsewhere. Fields that are named
 * like secrets, up to two levels deep, are replaced by '[redacted]'. When the output is held up with more than 1 MiB,
 * lines are lost rather than kept.
 */
export function createLogger({ level, output, color }: LoggerOptions): Logger {
  const pretty = output.isTTY === true;
  const destination = {
    write: (line: string): void => {
      if ((output.writableLength ?? 0) > HELD_UP_BYTES) return;
      output.write(pretty ? prettyLine(line, color) : line);
    },
  };
  const formatters = { level: (label: string) => ({ level: pretty ? label.toUpperCase() : label }) };
  const redact = { paths: secretPaths, censor: '[redacted]' };
  return pino({ level, base: null, formatters, redact }, destination);
}
