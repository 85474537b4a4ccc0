import { Buffer } from 'node:buffer';

const ROOM_BYTES = 1024 * 1024;
/** Datagrams that are kept of one flow. */
const MOST = 4;
/** Their bytes, all together. */
const MOST_BYTES = 4096;
/** What the network says of a datagram it says within this time, in ms. */
const VERDICT_MS = 1000;

/** The last datagrams of all flows together, in room that is used round and round, so that no flow holds memory by silence. */
export class LastDatagrams {
  readonly #room = Buffer.allocUnsafeSlow(ROOM_BYTES);
  /** Grows without end; where it stands in the room is what is left over. */
  #end = 0;

  /** Copies a datagram, of 4 KiB at most, and returns where it is. */
  add(datagram: Buffer): number {
    let at = this.#end % ROOM_BYTES;
    if (at + datagram.length > ROOM_BYTES) {
      this.#end += ROOM_BYTES - at;
      at = 0;
    }
    this.#room.set(datagram, at);
    const position = this.#end;
    this.#end += datagram.length;
    return position;
  }

  /** A copy of what was kept there; undefined when its room has been used for others since. */
  at(position: number, length: number): Buffer | undefined {
    if (this.#end - position > ROOM_BYTES) return undefined;
    const at = position % ROOM_BYTES;
    return Buffer.from(this.#room.subarray(at, at + length));
  }
}

/**
 * What a client has sent since the last answer of its backend, the first of it, and only while the network may still say
 * that it did not arrive: RFC 1122, 4.1.3.3, has UDP pass such errors on, but none of them tells which datagram it is of.
 */
export class Unanswered {
  readonly #last: LastDatagrams;
  /** Position and length of each. */
  readonly #kept: number[] = [];
  #bytes = 0;
  #sinceMs = 0;

  constructor(last: LastDatagrams) {
    this.#last = last;
  }

  /** Keeps a datagram, if there is room for it. */
  add(datagram: Buffer, nowMs: number): void {
    if (this.#kept.length > 0 && nowMs - this.#sinceMs > VERDICT_MS) this.clear();
    if (this.#kept.length === 2 * MOST || this.#bytes + datagram.length > MOST_BYTES) return;
    if (this.#kept.length === 0) this.#sinceMs = nowMs;
    this.#kept.push(this.#last.add(datagram), datagram.length);
    this.#bytes += datagram.length;
  }

  /** Those that may not have arrived, in the order they came. It has none of them any more. */
  take(nowMs: number): Buffer[] {
    const taken: Buffer[] = [];
    if (nowMs - this.#sinceMs <= VERDICT_MS) {
      for (let i = 0; i < this.#kept.length; i += 2) {
        const datagram = this.#last.at(this.#kept[i]!, this.#kept[i + 1]!);
        if (datagram !== undefined) taken.push(datagram);
      }
    }
    this.clear();
    return taken;
  }

  /** There was an answer. */
  clear(): void {
    this.#kept.length = 0;
    this.#bytes = 0;
  }
}
