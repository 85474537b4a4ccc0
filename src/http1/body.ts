import { COLON, CR, FIELD_VALUE, HEX, LF, SEMICOLON, TOKEN } from './chars.ts';
import { fieldId, forbiddenTrailers } from './known-fields.ts';

/** Digits a chunk size may have: 2^52 bytes, below which numbers stay exact. */
const MAX_SIZE_DIGITS = 13;
/** Bytes the extensions of all chunks of one body may have together (RFC 9112 §7.1.1 asks for a limit). */
const MAX_EXTENSION_BYTES = 4096;
/** Bytes a trailer section may have. */
const MAX_TRAILER_BYTES = 16 * 1024;

const Step = {
  length: 0,
  untilClose: 1,
  sizeFirst: 2,
  size: 3,
  extension: 4,
  sizeLf: 5,
  data: 6,
  dataCr: 7,
  dataLf: 8,
  trailerStart: 9,
  trailerName: 10,
  trailerValue: 11,
  trailerLf: 12,
  lastLf: 13,
  done: 14,
  bad: 15,
} as const;

/** Receives the runs of body data inside a chunked body, for a receiver that cannot read chunks. */
export type DataRun = (start: number, end: number) => void;

/** Bytes of a trailer's name that are kept to know it: those of `forbiddenTrailers` are shorter. */
const KEPT_NAME_BYTES = 32;

/**
 * Finds the end of a body as its bytes pass by (RFC 9112 §6 and §7); it changes and keeps nothing. Chunks are read
 * strictly, since a length two parsers read differently is how requests are smuggled: hexadecimal digits, CRLF only,
 * bounded extensions and trailers.
 */
export class BodyFramer {
  /** Bytes of body data seen, chunk framing not counted. */
  dataBytes = 0;
  problem = '';
  /** Set to have the trailer section kept in `trailerText`, as it came, for a receiver that has trailers elsewhere. */
  keepsTrailers = false;
  trailerText = '';
  #step: number = Step.done;
  #remaining = 0;
  #digits = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #nameLength = 0;
  /** Made by the first trailer, since few bodies have one. */
  #name: Uint8Array | undefined;

  /** A body of exactly `length` bytes. */
  startLength(length: number): void {
    this.#start(length === 0 ? Step.done : Step.length);
    this.#remaining = length;
  }

  startChunked(): void {
    this.#start(Step.sizeFirst);
  }

  /** A body that ends with the connection. */
  startUntilClose(): void {
    this.#start(Step.untilClose);
  }

  #start(step: number): void {
    this.#step = step;
    this.dataBytes = 0;
    this.trailerText = '';
    this.#extensionBytes = 0;
    this.#trailerBytes = 0;
  }

  get done(): boolean {
    return this.#step === Step.done;
  }

  get bad(): boolean {
    return this.#step === Step.bad;
  }

  /** True when the end of the connection is the end of the body. */
  get endsWithConnection(): boolean {
    return this.#step === Step.untilClose;
  }

  /**
   * Takes `bytes[pos..end)` and returns the position behind the last byte that belongs to the body. After it `done` says
   * whether the body is complete, `bad` whether it is malformed (`problem` says how; the returned position is the fault).
   */
  feed(bytes: Uint8Array, pos: number, end: number, onData?: DataRun): number {
    while (pos < end && this.#step < Step.done) {
      if (this.#step === Step.length || this.#step === Step.data || this.#step === Step.untilClose) {
        pos = this.#feedData(pos, end, onData);
      } else if (this.#step >= Step.trailerStart) {
        this.#feedTrailer(bytes[pos]!);
        if (!this.bad) pos++;
      } else {
        this.#feedFraming(bytes[pos]!);
        if (!this.bad) pos++;
      }
    }
    return pos;
  }

  #feedData(pos: number, end: number, onData: DataRun | undefined): number {
    const take = this.#step === Step.untilClose ? end - pos : Math.min(this.#remaining, end - pos);
    onData?.(pos, pos + take);
    this.dataBytes += take;
    if (this.#step === Step.untilClose) return end;
    this.#remaining -= take;
    if (this.#remaining === 0) this.#step = this.#step === Step.length ? Step.done : Step.dataCr;
    return pos + take;
  }

  /** One byte of chunk framing: size, extension, and the line ends around the data. */
  #feedFraming(byte: number): void {
    switch (this.#step) {
      case Step.sizeFirst:
        if (HEX[byte] === 255) return this.#refuse('a chunk size that is not a hexadecimal number');
        this.#remaining = HEX[byte]!;
        this.#digits = 1;
        this.#step = Step.size;
        return;
      case Step.size:
        return this.#feedSize(byte);
      case Step.extension:
        if (byte === CR) this.#step = Step.sizeLf;
        else if (FIELD_VALUE[byte] === 0) this.#refuse('a control character in a chunk extension');
        else if (++this.#extensionBytes > MAX_EXTENSION_BYTES) this.#refuse('chunk extensions that are too long');
        return;
      case Step.sizeLf:
        if (byte !== LF) return this.#refuse('a chunk size line without CRLF');
        this.#step = this.#remaining === 0 ? Step.trailerStart : Step.data;
        return;
      case Step.dataCr:
        if (byte !== CR) return this.#refuse('a chunk that is not as long as its size');
        this.#step = Step.dataLf;
        return;
      default:
        if (byte !== LF) return this.#refuse('a chunk that does not end in CRLF');
        this.#step = Step.sizeFirst;
    }
  }

  #feedSize(byte: number): void {
    const digit = HEX[byte]!;
    if (digit !== 255) {
      if (++this.#digits > MAX_SIZE_DIGITS) return this.#refuse('a chunk size with too many digits');
      this.#remaining = this.#remaining * 16 + digit;
    } else if (byte === CR) this.#step = Step.sizeLf;
    else if (byte === SEMICOLON) this.#step = Step.extension;
    else this.#refuse('a chunk size that is not a hexadecimal number');
  }

  /** One byte of the trailer section (RFC 9112 §7.1.2). */
  #feedTrailer(byte: number): void {
    if (++this.#trailerBytes > MAX_TRAILER_BYTES) return this.#refuse('a trailer section that is too long');
    if (this.keepsTrailers) this.trailerText += String.fromCharCode(byte);
    switch (this.#step) {
      case Step.trailerStart:
        this.#nameLength = 0;
        if (byte === CR) this.#step = Step.lastLf;
        else this.#feedTrailerName(byte);
        return;
      case Step.trailerName:
        return this.#feedTrailerName(byte);
      case Step.trailerValue:
        if (byte === CR) this.#step = Step.trailerLf;
        else if (FIELD_VALUE[byte] === 0) this.#refuse('a control character in a trailer');
        return;
      case Step.trailerLf:
        if (byte !== LF) return this.#refuse('a bare CR in a trailer');
        this.#step = Step.trailerStart;
        return;
      default:
        if (byte !== LF) return this.#refuse('a bare CR after the trailers');
        this.#step = Step.done;
    }
  }

  #feedTrailerName(byte: number): void {
    if (TOKEN[byte] === 1) {
      this.#name ??= new Uint8Array(KEPT_NAME_BYTES);
      if (this.#nameLength < KEPT_NAME_BYTES) this.#name[this.#nameLength] = byte;
      this.#nameLength++;
      this.#step = Step.trailerName;
      return;
    }
    if (byte !== COLON || this.#name === undefined || this.#nameLength === 0)
      return this.#refuse('a malformed trailer');
    if (forbiddenTrailers.has(fieldId(this.#name, 0, this.#nameLength))) {
      return this.#refuse('a trailer that belongs into the head');
    }
    this.#step = Step.trailerValue;
  }

  #refuse(problem: string): void {
    this.problem = problem;
    this.#step = Step.bad;
  }
}
