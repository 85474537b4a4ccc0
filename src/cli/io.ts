import { ProcessTerminal, type Terminal } from './terminal.ts';

/** Somewhere a command writes: process.stdout, process.stderr, or what a test reads back. */
export interface Output {
  write(text: string): unknown;
  /** True for a terminal. */
  readonly isTTY?: boolean | undefined;
}

/** The signals that Fairlead acts on. */
export type SignalName = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

/** Where signals come from: `process`, or a test. */
export interface SignalSource {
  on(signal: SignalName, listener: () => void): unknown;
  off(signal: SignalName, listener: () => void): unknown;
}

/** What a command sees of the process it runs in. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  readonly signals: SignalSource;
  /** Undefined unless both the input and the output are a terminal. */
  readonly terminal?: Terminal | undefined;
}

/** The real process as a command sees it. */
export function processIo(): Io {
  const { stdin, stdout, stderr, env } = process;
  const terminal = stdin.isTTY && stdout.isTTY ? new ProcessTerminal(stdin, stdout) : undefined;
  return { stdout, stderr, env, cwd: process.cwd(), signals: process, terminal };
}
