/** Things to do in the order of their times: a binary heap. */
export class Agenda {
  readonly #heap: { readonly atMs: number; readonly run: () => void }[] = [];

  /** Takes something to do at a time, in ms. */
  add(atMs: number, run: () => void): void {
    const heap = this.#heap;
    let at = heap.push({ atMs, run }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.atMs <= heap[at]!.atMs) break;
      [heap[parent], heap[at]] = [heap[at]!, heap[parent]!];
      at = parent;
    }
  }

  /** The earliest of all, which is taken out; undefined when nothing is left. */
  next(): { readonly atMs: number; readonly run: () => void } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    heap[0] = last;
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && heap[child]!.atMs < heap[least]!.atMs) least = child;
      }
      if (least === at) return first;
      [heap[least], heap[at]] = [heap[at]!, heap[least]!];
      at = least;
    }
  }
}
