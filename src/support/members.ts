/** Something that may be one of `Members`. */
export interface Member {
  /** Its place in the list, -1 outside. Owned by `Members`. */
  memberIndex: number;
}

/** The open connections of a listener: as a `Set`, but coming and going costs no hashing. */
export class Members<T extends Member> {
  readonly #list: T[] = [];

  get size(): number {
    return this.#list.length;
  }

  /** Adds one that is not in a list yet. */
  add(member: T): void {
    member.memberIndex = this.#list.length;
    this.#list.push(member);
  }

  /** Takes one out; false when it was not there. */
  remove(member: T): boolean {
    const index = member.memberIndex;
    if (index < 0) return false;
    member.memberIndex = -1;
    const last = this.#list.pop()!;
    if (last === member) return true;
    this.#list[index] = last;
    last.memberIndex = index;
    return true;
  }

  /** At most so many of them, as of now. */
  first(count: number): T[] {
    return this.#list.slice(0, count);
  }

  /** All as of now: they may leave while one goes through them. */
  all(): T[] {
    return [...this.#list];
  }
}
