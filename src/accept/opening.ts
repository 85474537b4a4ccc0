import { Buffer } from 'node:buffer';
import type { Deadlines, Expiring } from '../support/deadlines.ts';
import { silentSink, type Wire, type WireSink } from '../support/wire.ts';

/** Why a connection's opening could not be read: it is malformed, late, or the client ended the connection before. */
export type OpeningFailure = 'malformed' | 'timeout' | 'left';

/** What reading an opening gives: undefined while more is needed, or what it is and where it ends. */
export type OpeningParse<T> = { readonly value: T; readonly end: number } | 'refused' | undefined;

/** Who wants a connection's opening. */
export interface OpeningReader<T> {
  readonly deadlines: Deadlines;
  readonly limitMs: number;
  /** Looks at all that has come so far; must say something else than undefined once it is more than it takes. */
  parse(bytes: Buffer): OpeningParse<T>;
  /** The wire is paused, and nobody's; `rest` came behind the opening. */
  onOpening(wire: Wire, value: T, rest: Buffer): void;
  /**
   * The client says nothing: the time is up, or it has sent its FIN. The wire is nobody's, and not paused. Missing where that
   * is a failure.
   */
  onSilence?(wire: Wire): void;
  /** The wire is nobody's, or closed. */
  onFailure(wire: Wire, failure: OpeningFailure): void;
}

/** Reads what comes first on an accepted wire, within a time limit; `early` is what was read from it already. */
export function readOpening<T>(wire: Wire, reader: OpeningReader<T>, early?: Buffer): void {
  new Opening(wire, reader).begin(early);
}

const NOTHING = Buffer.alloc(0);

class Opening<T> implements WireSink, Expiring {
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly #wire: Wire;
  readonly #reader: OpeningReader<T>;
  #seen: Buffer = NOTHING;
  #over = false;

  constructor(wire: Wire, reader: OpeningReader<T>) {
    this.#wire = wire;
    this.#reader = reader;
  }

  begin(early: Buffer | undefined): void {
    const { deadlines, limitMs } = this.#reader;
    this.#wire.sink = this;
    this.deadline = deadlines.in(limitMs);
    deadlines.add(this);
    if (early === undefined || early.length === 0 || this.onBytes(early, early.length)) this.#wire.start();
  }

  onBytes(bytes: Buffer, length: number): boolean {
    if (this.#over) return false;
    const more = bytes.subarray(0, length);
    const all = this.#seen.length === 0 ? more : Buffer.concat([this.#seen, more]);
    const parsed = this.#reader.parse(all);
    if (parsed === undefined) {
      this.#seen = all === more ? Buffer.from(more) : all;
      return true;
    }
    if (parsed === 'refused') this.#end(() => this.#reader.onFailure(this.#wire, 'malformed'));
    else {
      const rest = Buffer.from(all.subarray(parsed.end));
      this.#end(() => this.#reader.onOpening(this.#wire, parsed.value, rest));
    }
    return false;
  }

  /** Hands over once the wire has stopped to read, so that whoever takes it can start it. */
  #end(handOver: () => void): void {
    this.#over = true;
    this.#reader.deadlines.remove(this);
    queueMicrotask(() => {
      if (this.#wire.destroyed) return this.#reader.onFailure(this.#wire, 'left');
      this.#wire.sink = silentSink;
      handOver();
    });
  }

  onEnd(): void {
    if (this.#over) return;
    if (this.#isSilent) this.#end(() => this.#reader.onSilence!(this.#wire));
    else this.#wire.destroy();
  }

  onDeadline(): void {
    this.#over = true;
    this.#reader.deadlines.remove(this);
    this.#wire.sink = silentSink;
    if (this.#isSilent) this.#reader.onSilence!(this.#wire);
    else this.#reader.onFailure(this.#wire, 'timeout');
  }

  get #isSilent(): boolean {
    return this.#seen.length === 0 && this.#reader.onSilence !== undefined;
  }

  onClose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.deadlines.remove(this);
    this.#reader.onFailure(this.#wire, 'left');
  }

  onDrain(): void {}
  onConnect(): void {}
}
