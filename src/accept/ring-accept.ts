import { constants } from 'node:os';
import type { RingUser } from '../support/open-wire.ts';
import { RingHandle } from '../support/ring-handle.ts';
import type { RingAcceptor, RingSockets, RingTask } from '../support/ring-sockets.ts';
import { type AcceptedSocket, BACKLOG, type HandleKit, type ListeningHandle } from '../support/socket-handle.ts';

/** What accepting by the ring fails with when it can go on at once. */
const passing: ReadonlySet<number> = new Set([-constants.errno.ECANCELED, -constants.errno.ECONNABORTED]);

/** How long a handle accepts after the ring could not. */
const RETRY_MS = 1000;

/** A handle that listens, and how it is closed. */
export interface Listening {
  readonly handle: ListeningHandle;
  close(): void;
}

/**
 * Accepts from a listening TCP socket by a ring, while it may be used. A handle has the socket in any case, and accepts
 * when the ring is not to or cannot, as for want of descriptors: libuv knows what to do then.
 */
export class RingAccept implements RingUser, RingAcceptor {
  readonly #kit: HandleKit;
  readonly #onSocket: (socket: AcceptedSocket) => void;
  #listening: Listening;
  #ring: RingSockets | undefined;
  /** Under way, in the ring that it was begun with. */
  #accepting: { readonly ring: RingSockets; readonly task: RingTask<RingAcceptor> } | undefined;
  #closed = false;

  constructor(kit: HandleKit, listening: Listening, onSocket: (socket: AcceptedSocket) => void) {
    this.#kit = kit;
    this.#listening = listening;
    this.#onSocket = onSocket;
  }

  useRing(ring: RingSockets | undefined): void {
    this.#ring = ring;
    if (ring === undefined) this.#cancel();
    else if (this.#accepting === undefined && !this.#closed) {
      if (this.#quieten(ring)) this.#accept(ring);
      else this.#tryLater();
    }
  }

  /** `onRingAccepted` follows, if anything was under way. */
  #cancel(): void {
    if (this.#accepting !== undefined) this.#accepting.ring.cancel(this.#accepting.task);
  }

  /** Another time there may be descriptors again. */
  #tryLater(): void {
    setTimeout(() => this.useRing(this.#ring), RETRY_MS).unref();
  }

  /** A handle does not stop to accept until it is closed, so another one takes the socket. False when there is no descriptor for that. */
  #quieten(ring: RingSockets): boolean {
    const { handle, close } = this.#listening;
    const fd = ring.bare.duplicate(handle.fd);
    if (fd < 0) return false;
    const { onconnection } = handle;
    const quiet = this.#kit.newListening();
    if (quiet.open(fd) !== 0) {
      ring.bare.close(fd);
      return false;
    }
    quiet.onconnection = onconnection;
    this.#listening = { handle: quiet, close: () => quiet.close() };
    close();
    return true;
  }

  #accept(ring: RingSockets): void {
    this.#accepting = { ring, task: ring.accept(this, this.#listening.handle.fd) };
  }

  onRingAccepted(status: number): void {
    const { ring } = this.#accepting!;
    this.#accepting = undefined;
    if (this.#closed) this.#listening.close();
    else if (this.#ring !== undefined && (status >= 0 || passing.has(status))) this.#accept(this.#ring);
    else {
      this.#listening.handle.listen(BACKLOG);
      if (this.#ring !== undefined) this.#tryLater();
    }
    if (status < 0) return;
    const socket = new RingHandle(this.#kit, ring);
    socket.open(status);
    this.#onSocket(socket);
  }

  close(): void {
    this.#closed = true;
    if (this.#accepting === undefined) return this.#listening.close();
    // The kernel keeps the socket for as long as it accepts, and nobody is to be let in until that is told.
    this.#accepting.ring.bare.unlisten(this.#listening.handle.fd);
    this.#cancel();
  }
}
