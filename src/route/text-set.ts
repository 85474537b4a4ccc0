/** Up to this many texts are compared one by one: that is quicker than the hash of a text that nobody hashed yet. */
export const MAX_LISTED = 8;

/** A fixed set of texts that is quick to ask, whatever its size. */
export class TextSet {
  readonly #list: readonly string[];
  /** Of a list that is too long to compare; most are not, and there may be thousands. */
  readonly #set: ReadonlySet<string> | undefined;

  constructor(texts: Iterable<string>) {
    const set = new Set(texts);
    this.#list = [...set];
    this.#set = set.size > MAX_LISTED ? set : undefined;
  }

  /** Whether the text is in it. */
  has(text: string): boolean {
    return this.#set === undefined ? this.#list.includes(text) : this.#set.has(text);
  }

  /** The texts, each once, in the order given. */
  get texts(): readonly string[] {
    return this.#list;
  }
}
