/** Values by the names of certificates: exact ones, and wildcards for the leftmost label (RFC 6125 §6.4.3). */
export class NameTable<T> {
  readonly #exact = new Map<string, T>();
  readonly #wildcards = new Map<string, T>();

  /** Adds a value under a name; the first value of a name stays. */
  add(name: string, value: T): void {
    const folded = name.toLowerCase();
    const [table, key] = folded.startsWith('*.') ? [this.#wildcards, folded.slice(2)] : [this.#exact, folded];
    if (!table.has(key)) table.set(key, value);
  }

  /** The value for a name that a client asks for; an exact name goes before a wildcard. */
  find(name: string): T | undefined {
    const folded = name.toLowerCase();
    return this.#exact.get(folded) ?? this.#wildcards.get(folded.slice(folded.indexOf('.') + 1));
  }
}
