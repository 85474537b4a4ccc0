/** What was sent under each name that somebody wants, in the order sent. A name has at least one value or no entry. */
export class NamedValues {
  readonly #values = new Map<string, string[]>();

  /** Adds a value behind those the name has. */
  add(name: string, value: string): void {
    const values = this.#values.get(name);
    if (values) values.push(value);
    else this.#values.set(name, [value]);
  }

  /** The values of a name, `undefined` when it was not sent. */
  get(name: string): readonly string[] | undefined {
    return this.#values.get(name);
  }
}
