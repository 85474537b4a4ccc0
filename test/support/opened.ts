/** Whatever holds a socket, a thread or a file until it is closed. Closing it twice does no harm. */
export interface Closable {
  close(): unknown;
}

const opened = new Set<Closable>();

/** Remembers something that was opened, so that `closeOpened` closes it, and gives it back. */
export function remember<T extends Closable>(thing: T): T {
  opened.add(thing);
  return thing;
}

/** Closes all that this test file has opened, the latest first; for `afterEach` or `afterAll`. */
export async function closeOpened(): Promise<void> {
  const things = [...opened].reverse();
  opened.clear();
  for (const thing of things) await thing.close();
}
