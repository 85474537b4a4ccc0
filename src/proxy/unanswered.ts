import { Buffer } from 'node:buffer';

const ROOM_BYTES = 1024 * 1024;
/** Longer datagrams are not kept. */
const LONGEST_BYTES = 4096;
/** Datagrams that are kept of one flow. */
const MOST = 4;
/** What the network says of a datagram it says within this time, in ms, unless the backend is far away. */
const VERDICT_MS = 100;

/** The last datagrams of all flows together, in room that is used round and round, so that no flow holds memory by silence. */
export class LastDatagrams {
  readonly #room = Buffer.allocUnsafeSlow(ROOM_BYTES);
  /** Grows without end; where it stands in the room is what is left over. */
  #end = 0;

  /** Copies a datagram and returns where it is. */
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

/** A datagram that was sent. */
interface Sent {
  /** Where it is kept. */
  position: number;
  length: number;
  atMs: number;
}

/**
 * What a client has sent last and has no answer to, while the network may still say that it did not arrive. RFC 1122,
 * 4.1.3.3, has such errors passed on, but what a socket hears of them does not tell which datagram they are of.
 */
export class Unanswered {
  readonly #last: LastDatagrams;
  /** Written round and round. */
  readonly #sent: Sent[] = [];
  /** Those since the last answer, also if they are not there any more. */
  #count = 0;

  constructor(last: LastDatagrams) {
    this.#last = last;
  }

  add(datagram: Buffer, atMs: number): void {
    const { length } = datagram;
    if (length > LONGEST_BYTES) return;
    const position = this.#last.add(datagram);
    const place = this.#count % MOST;
    const sent = this.#sent[place];
    this.#count++;
    if (sent === undefined) {
      this.#sent.push({ position, length, atMs });
      return;
    }
    sent.position = position;
    sent.length = length;
    sent.atMs = atMs;
  }

  /** Those that may not have arrived, in the order they were sent. It has none of them any more. */
  take(nowMs: number): Buffer[] {
    const taken: Buffer[] = [];
    for (let n = Math.max(0, this.#count - MOST); n < this.#count; n++) {
      const { position, length, atMs } = this.#sent[n % MOST]!;
      const datagram = nowMs - atMs <= VERDICT_MS ? this.#last.at(position, length) : undefined;
      if (datagram !== undefined) taken.push(datagram);
    }
    this.clear();
    return taken;
  }

  /** There was an answer. */
  clear(): void {
    this.#count = 0;
  }
}
