/** Up to this many texts are compared one by one: that is quicker than the hash of a text that nobody hashed yet. */
export const MAX_LISTED = 8;

/** A fixed set of texts that is quick to ask, whatever its size. */
export class TextSet {
  readonly #list: readonly string[];
  readonly #set: ReadonlySet<string>;

  constructor(texts: Iterable<string>) {
    this.#set = new Set(texts);
    this.#list = [...this.#set];
  }

  /** Whether the text is in it. */
  has(text: string): boolean {
    return this.#list.length <= MAX_LISTED ? this.#list.includes(text) : this.#set.has(text);
  }

  /** The texts, each once, in the order given. */
  get texts(): readonly string[] {
    return this.#list;
  }
}
