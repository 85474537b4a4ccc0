const reference = /\$([$1-9])/g;

/** A text with places for captures: `$1` to `$9`, and `$$` for a dollar sign; any other `$` stands for itself. */
export class Template {
  /** The highest capture that it has a place for, 0 for none. */
  readonly highest: number;
  /** Texts and, between each two, the number of a capture. */
  readonly #parts: readonly (string | number)[];

  constructor(text: string) {
    const parts: (string | number)[] = [''];
    let last = 0;
    for (const { 0: written, 1: name, index } of text.matchAll(reference)) {
      parts[parts.length - 1] += text.slice(last, index) + (name === '$' ? '$' : '');
      if (name !== '$') parts.push(Number(name), '');
      last = index + written.length;
    }
    parts[parts.length - 1] += text.slice(last);
    this.#parts = parts;
    this.highest = Math.max(0, ...parts.filter((part) => typeof part === 'number'));
  }

  /** The text before its first place. */
  get start(): string {
    return String(this.#parts[0]);
  }

  /** The text with a capture in each place; `captured(n, before)` is asked for it, with what already stands before it. */
  fill(captured: (number: number, before: string) => string): string {
    let text = '';
    for (const part of this.#parts) text += typeof part === 'number' ? captured(part, text) : part;
    return text;
  }
}
