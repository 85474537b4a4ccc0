/** One server-sent event. */
export interface ServerEvent {
  /** Its kind; `message` when it names none. */
  readonly event: string;
  readonly data: string;
  /** The last id that the stream has given so far; '' when it has given none. */
  readonly id: string;
}

/** Takes server-sent events out of the text of a stream (HTML Living Standard §9.2.6), in whatever pieces it comes. */
export class EventParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id = '';

  /** The events that this piece completes. */
  push(piece: string): ServerEvent[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.#id = value;
    return undefined;
  }

  #end(): ServerEvent | undefined {
    const ended = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#event = '';
    this.#data = [];
    return isEmpty ? undefined : ended;
  }
}
