import type { ReadStream, WriteStream } from 'node:tty';

/** What of the keyboard and the screen a command uses that takes the whole terminal. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
  /**
   * Takes the terminal: keys go to `onKey` as they are pressed, by name (`up`, `ctrl-c`) or as the character they are;
   * `onResize` hears of another size. What is given back gives the terminal back.
   */
  take(onKey: (key: string) => void, onResize: () => void): () => void;
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

const named: Readonly<Record<string, string>> = {
  '\u0003': 'ctrl-c',
  '\u001b': 'escape',
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001bOA': 'up',
  '\u001bOB': 'down',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b[H': 'home',
  '\u001b[F': 'end',
  '\r': 'enter',
};

const sequence = /\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|./gsu;

/** The keys in what a terminal in raw mode sends; an escape sequence that is not known is no key. */
export function keysOf(text: string): string[] {
  return (text.match(sequence) ?? []).flatMap((one) => {
    const name = named[one] ?? one;
    return name.length > 1 && name.startsWith('\u001b') ? [] : [name];
  });
}

/** The terminal of this process. */
export class ProcessTerminal implements Terminal {
  readonly #input: ReadStream;
  readonly #output: WriteStream;

  constructor(input: ReadStream, output: WriteStream) {
    this.#input = input;
    this.#output = output;
  }

  // A terminal that does not know its size says 0.
  get columns(): number {
    return this.#output.columns || 80;
  }

  get rows(): number {
    return this.#output.rows || 24;
  }

  write(text: string): void {
    this.#output.write(text);
  }

  take(onKey: (key: string) => void, onResize: () => void): () => void {
    const [input, output] = [this.#input, this.#output];
    const onData = (chunk: string): void => keysOf(chunk).forEach(onKey);
    input.setRawMode(true);
    input.setEncoding('utf8');
    input.on('data', onData);
    input.resume();
    output.on('resize', onResize);
    output.write(ENTER);
    return () => {
      output.write(LEAVE);
      output.off('resize', onResize);
      input.off('data', onData);
      input.setRawMode(false);
      input.pause();
    };
  }
}
