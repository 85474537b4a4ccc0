import type { TableSize } from '../pool/table.ts';

/** A slot that is free is used again only so long after, in ms: by then every worker has long forgotten its old owner. */
const REST_MS = 60_000;

/** Numbers in the shared table by the name of who has them; a name that stays keeps its number. */
class Numbers {
  readonly #what: string;
  readonly #capacity: number;
  readonly #reusable: (number: number) => boolean;
  readonly #owners = new Map<string, number>();
  readonly #resting: { readonly name: string; readonly number: number; readonly since: number }[] = [];
  #next = 0;

  constructor(what: string, capacity: number, reusable: (number: number) => boolean = () => true) {
    this.#what = what;
    this.#capacity = capacity;
    this.#reusable = reusable;
  }

  /** The number of `name`, and whether it was given just now. Throws when the table is full. */
  of(name: string, nowMs: number): { readonly number: number; readonly fresh: boolean } {
    const known = this.#owners.get(name);
    if (known !== undefined) return { number: known, fresh: false };
    const rested = this.#resting.findIndex(({ number, since }) => nowMs - since >= REST_MS && this.#reusable(number));
    const number = rested >= 0 ? this.#resting.splice(rested, 1)[0]!.number : this.#next;
    if (number >= this.#capacity) throw new Error(`too many ${this.#what}: at most ${this.#capacity}`);
    if (rested < 0) this.#next++;
    this.#owners.set(name, number);
    return { number, fresh: true };
  }

  /** Takes back the numbers of all names that are not listed any more. */
  keepOnly(names: ReadonlySet<string>, nowMs: number): void {
    for (const [name, number] of this.#owners) {
      if (names.has(name)) continue;
      this.#owners.delete(name);
      this.#resting.push({ name, number, since: nowMs });
    }
  }

  /** All who have a number, and those whose number was taken back so lately that nobody else may have it. */
  known(nowMs: number): string[] {
    const lately = this.#resting.filter(({ since }) => nowMs - since < REST_MS);
    return [...this.#owners.keys(), ...lately.map(({ name }) => name)];
  }
}

/** Who has which place in the shared table. */
export class SlotBook {
  readonly backends: Numbers;
  readonly pools: Numbers;
  readonly splits: Numbers;
  readonly listeners: Numbers;

  /** `activeOf` tells the leases still held on a backend's slot: one with leases is not given to another. */
  constructor(size: TableSize, activeOf: (slot: number) => number) {
    this.backends = new Numbers('backends', size.backends, (slot) => activeOf(slot) === 0);
    this.pools = new Numbers('pools', size.pools);
    this.splits = new Numbers('routes with a split', size.splits);
    this.listeners = new Numbers('listeners', size.listeners);
  }
}
