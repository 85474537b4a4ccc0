import type { Meters } from '../observe/meters.ts';

/** What is counted of one listener by one worker. */
export class ListenerMeters {
  readonly #meters: Meters;
  readonly #listener: string;
  readonly #cells: Float64Array;
  readonly #accepted: number;
  readonly #active: number;
  readonly #bytesIn: number;
  readonly #bytesOut: number;
  readonly #handshakes = new Map<string, number>();
  readonly #refusals = new Map<string, number>();
  /** Only udp listeners have these. */
  #datagramsIn = -1;
  #datagramsOut = -1;

  constructor(meters: Meters, listener: string) {
    this.#meters = meters;
    this.#listener = listener;
    this.#cells = meters.cells;
    this.#accepted = meters.counter('connections_total', { listener });
    this.#active = meters.gauge('connections_active', { listener });
    this.#bytesIn = meters.counter('bytes_total', { listener, direction: 'in' });
    this.#bytesOut = meters.counter('bytes_total', { listener, direction: 'out' });
  }

  opened(): void {
    this.#cells[this.#accepted]! += 1;
    this.#cells[this.#active]! += 1;
  }

  closed(): void {
    this.#cells[this.#active]! -= 1;
  }

  bytesIn(bytes: number): void {
    this.#cells[this.#bytesIn]! += bytes;
  }

  bytesOut(bytes: number): void {
    this.#cells[this.#bytesOut]! += bytes;
  }

  datagramIn(): void {
    if (this.#datagramsIn < 0) this.#datagramsIn = this.#datagrams('in');
    this.#cells[this.#datagramsIn]! += 1;
  }

  datagramOut(): void {
    if (this.#datagramsOut < 0) this.#datagramsOut = this.#datagrams('out');
    this.#cells[this.#datagramsOut]! += 1;
  }

  #datagrams(direction: 'in' | 'out'): number {
    return this.#meters.counter('datagrams_total', { listener: this.#listener, direction });
  }

  /** What counts the L4 connections that take a route, the first of the listener being 0. */
  routed(route: number, pool: string): () => void {
    const labels = { listener: this.#listener, route: `route-${route + 1}`, pool };
    const cell = this.#meters.counter('connections_routed_total', labels);
    return () => {
      this.#cells[cell]! += 1;
    };
  }

  /** One TLS handshake, however it ended. */
  handshake(result: string): void {
    let cell = this.#handshakes.get(result);
    if (cell === undefined) {
      cell = this.#meters.counter('tls_handshakes_total', { listener: this.#listener, result });
      this.#handshakes.set(result, cell);
    }
    this.#cells[cell]! += 1;
  }

  /** One connection or request that Fairlead refused by itself; `reason` is one of a fixed set. */
  refused(reason: string): void {
    let cell = this.#refusals.get(reason);
    if (cell === undefined) {
      cell = this.#meters.counter('refusals_total', { listener: this.#listener, reason });
      this.#refusals.set(reason, cell);
    }
    this.#cells[cell]! += 1;
  }
}
