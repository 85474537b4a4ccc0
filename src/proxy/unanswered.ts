import type { Buffer } from 'node:buffer';
import { udp } from '../support/open-udp.ts';

/** Datagrams that are kept of one flow. */
const MOST = 4;
/** Their bytes, all together. */
const MOST_BYTES = 4096;
/** What the network says of a datagram it says within this time, in ms. */
const VERDICT_MS = 1000;

/**
 * What a client has sent since the last answer of its backend, the first of it, and only while the network may still say
 * that it did not arrive: RFC 1122, 4.1.3.3, has UDP pass such errors on, but none of them tells which datagram it is of.
 */
export class Unanswered {
  #datagrams: Buffer[] = [];
  #bytes = 0;
  #sinceMs = 0;

  /** Keeps a datagram that has just come, if there is room for it. */
  add(datagram: Buffer, nowMs: number): void {
    if (this.#datagrams.length > 0 && nowMs - this.#sinceMs > VERDICT_MS) this.clear();
    if (this.#datagrams.length === MOST || this.#bytes + datagram.length > MOST_BYTES) return;
    if (this.#datagrams.length === 0) this.#sinceMs = nowMs;
    this.#datagrams.push(udp.kept(datagram));
    this.#bytes += datagram.length;
  }

  /** Those that may not have arrived, in the order they came. It has none of them any more. */
  take(nowMs: number): readonly Buffer[] {
    const taken = nowMs - this.#sinceMs > VERDICT_MS ? [] : this.#datagrams;
    this.clear();
    return taken;
  }

  /** There was an answer. */
  clear(): void {
    if (this.#datagrams.length === 0) return;
    this.#datagrams = [];
    this.#bytes = 0;
  }
}
