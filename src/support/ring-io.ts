import { Buffer } from 'node:buffer';
import { RING_BUFFER_BYTES } from './ring-memory.ts';
import type { RingOwner, RingSocket, RingSockets } from './ring-sockets.ts';
import type { HandleKit, PendingWrite, SocketHandle, SocketIo } from './socket-handle.ts';
import { atTurnEnd, type TurnEnd } from './turn-end.ts';

const noBytes = Buffer.alloc(0);

/** Who reads and writes. None of these may throw. */
export interface RingIoUser {
  /** Bytes wait for the handle to write them: what comes after them is not for the ring. */
  readonly backedUp: boolean;
  /** As of a handle: `bytes[0..result)` came, or there was a negative system error, or `eof`. */
  onRead(bytes: Buffer, result: number): void;
  /** What writing has come to that had returned 0, when not all was taken; `bytes` are what the handle writes now. */
  onWrote(result: number | PendingWrite, bytes?: Buffer): void;
}

/**
 * Reads and writes for a socket as its handle does, and through the ring while it has none or once it has shown that it
 * lives long and speaks in small pieces. The ring is for what is simple: the handle takes what the ring does not, and has the
 * socket back when it is to be stopped or closed.
 */
export class RingIo implements SocketIo, RingOwner, TurnEnd {
  readonly #user: RingIoUser;
  readonly #kit: HandleKit;
  readonly #handle: SocketHandle;
  readonly #ring: RingSockets;
  #socket: RingSocket | undefined;
  #reading = false;
  /** What the ring has read and nobody was told of yet. */
  #left: { readonly bytes: Buffer[]; readonly status: number | undefined } | undefined;
  #closing: 'close' | 'reset' | undefined;

  constructor(user: RingIoUser, kit: HandleKit, handle: SocketHandle, ring: RingSockets) {
    this.#user = user;
    this.#kit = kit;
    this.#handle = handle;
    this.#ring = ring;
  }

  /** Joins the ring: to be called while the handle reads. */
  join(): void {
    this.#reading = true;
    this.#handle.readStop();
    this.#socket = this.#ring.join(this, this.#handle.fd);
  }

  readStart(): number {
    this.#reading = true;
    // The ring has to let go first, and what it has left comes before the rest.
    if (this.#socket !== undefined) return 0;
    if (this.#left !== undefined) atTurnEnd(this);
    else if (this.#handle.isBare !== true || !this.#ring.open) return this.#handle.readStart();
    else this.#socket = this.#ring.join(this, this.#handle.fd);
    return 0;
  }

  readStop(): number {
    this.#reading = false;
    if (this.#socket === undefined) return this.#handle.readStop();
    this.#ring.leave(this.#socket);
    return 0;
  }

  onRingBytes(bytes: Buffer, length: number): void {
    this.#user.onRead(bytes, length);
    // A handle reads more at once.
    if (length === RING_BUFFER_BYTES && this.#socket !== undefined) this.#ring.leave(this.#socket);
  }

  onRingLeft(bytes: Buffer[], status: number | undefined): void {
    this.#socket = undefined;
    if (this.#closing !== undefined) return this.#close();
    this.#left = { bytes, status };
    this.afterPoll();
  }

  /** Tells what the ring has left, then goes on with the handle. */
  afterPoll(): void {
    while (this.#left !== undefined && this.#reading) {
      const { bytes, status } = this.#left;
      const chunk = bytes.shift();
      if (chunk !== undefined) this.#user.onRead(chunk, chunk.length);
      else {
        this.#left = undefined;
        this.#readOn(status);
      }
    }
  }

  /** `status` as of `onRingLeft`. */
  #readOn(status: number | undefined): void {
    if (status === 0) return this.#user.onRead(noBytes, this.#kit.eof);
    const result = status ?? this.#handle.readStart();
    if (result < 0) this.#user.onRead(noBytes, result);
  }

  /** True when so many bytes can be written through the ring. */
  takes(length: number): boolean {
    return this.#socket !== undefined && !this.#user.backedUp && this.#ring.takes(this.#socket, length);
  }

  /** Writes bytes for which `takes` was true; the caller's buffer is free again at once. */
  write(bytes: Buffer, start: number, end: number): void {
    this.#ring.write(this.#socket!, bytes, start, end);
  }

  writeLatin1String(_request: null, text: string): number | PendingWrite {
    const isFree = this.settle();
    if (!isFree || !this.takes(text.length)) return this.#handle.writeLatin1String(null, text);
    this.#ring.writeText(this.#socket!, text);
    return 0;
  }

  writeBuffer(_request: null, bytes: Uint8Array): number | PendingWrite {
    this.settle();
    return this.#handle.writeBuffer(null, bytes);
  }

  /** Has what was written with the kernel, or with the handle; false when it is with the handle, or has failed. */
  settle(): boolean {
    const socket = this.#socket;
    return socket === undefined || socket.sending === 0 || this.#ring.finish(socket);
  }

  onRingSent(status: number, unsent: Buffer | undefined): void {
    if (unsent === undefined) this.#user.onWrote(status);
    else this.#user.onWrote(this.#handle.writeBuffer(null, unsent), unsent);
  }

  close(): void {
    this.#end('close');
  }

  reset(): number {
    this.#end('reset');
    return 0;
  }

  /** Nothing may be under way in the ring when the descriptor is closed: it may be another socket's at once. */
  #end(how: 'close' | 'reset'): void {
    this.settle();
    this.#reading = false;
    this.#closing ??= how;
    if (this.#socket === undefined) this.#close();
    else this.#ring.leave(this.#socket);
  }

  #close(): void {
    if (this.#closing === 'close' || this.#handle.reset!() !== 0) this.#handle.close();
  }
}
