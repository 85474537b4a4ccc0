/** What a ring holds of the process: its descriptor, and the address and length of each of its three mappings. */
export const HELD = 7;
/** Then where the second mapping has the head and the tail of the completions, and these, counted in Int32. */
const PARTS = 10;

/** Descriptors below this can be those of sockets that only a ring has. */
const MOST_DESCRIPTORS = 1 << 18;

/** What `freeRing` has to know of a ring, in memory that outlives the thread of the ring. */
export interface RingRecord {
  readonly parts: BigUint64Array;
  /** For each descriptor, 1 when it is that of a socket that has no handle, and that so nobody else would close. */
  readonly sockets: Uint8Array;
}

/** The record of a ring that is not there yet. */
export function createRingRecord(): RingRecord {
  return {
    parts: new BigUint64Array(new SharedArrayBuffer(PARTS * BigUint64Array.BYTES_PER_ELEMENT)),
    sockets: new Uint8Array(new SharedArrayBuffer(MOST_DESCRIPTORS)),
  };
}

/** Notes that a socket has no handle, or that it has one or is to be closed. False when there is no room for a note. */
export function noteSocket({ sockets }: RingRecord, fd: number, isBare: boolean): boolean {
  if (fd >= sockets.length) return false;
  sockets[fd] = isBare ? 1 : 0;
  return true;
}

/** The descriptors of all that have none, which are forgotten by this. */
export function takeNoted({ sockets }: RingRecord): number[] {
  const noted: number[] = [];
  for (let fd = sockets.indexOf(1); fd >= 0; fd = sockets.indexOf(1, fd + 1)) noted.push(fd);
  sockets.fill(0);
  return noted;
}
