import { Buffer } from 'node:buffer';
import type { BareSockets } from './bare-sockets.ts';
import type { CompletionSink } from './completion-sink.ts';
import { IoUring } from './io-uring.ts';
import { RingDatagrams } from './ring-datagrams.ts';
import { passing, RingMember, Tags } from './ring-members.ts';
import { ACCEPT, CONNECT, freeRing, RECV } from './ring-memory.ts';
import { RingPasses } from './ring-passes.ts';
import { noteSocket, type RingRecord } from './ring-record.ts';
import type { HandleKit, UnconnectedHandle } from './socket-handle.ts';
import { atTurnEnd, type TurnEnd } from './turn-end.ts';
import { COPY_AS_TEXT_BYTES } from './wire.ts';

/** After so many reads and writes everything else has its turn. */
const MOST_IN_A_TURN = 128;

/** So many connections are accepted in a turn while others are kept and used, which are not to wait for a crowd of new ones. */
const MOST_ACCEPTED_IN_A_TURN = 4;
/** A connection that has lived for a request has brought no more. */
const READS_OF_A_REQUEST = 4;

/** Where the count of an eventfd is read to, of which nothing is wanted. The handle does not keep it from the collector. */
const eventCount = Buffer.allocUnsafeSlow(64);

/** Whose socket it is. None may throw. */
export interface RingOwner {
  /** Bytes arrived in `bytes[0..length)`, valid only during the call. */
  onRingBytes(bytes: Buffer, length: number): void;
  /** Of what was written, `unsent` was not taken; or `status` says why nothing was. Not called when all was taken. */
  onRingSent(status: number, unsent: Buffer | undefined): void;
  /**
   * The ring does nothing more for the socket. `left` came while it was to stop. `status` is 0 when the other side has sent
   * its FIN, negative when reading has failed, undefined when neither was seen.
   */
  onRingLeft(left: Buffer[], status: number | undefined): void;
}

/** Hears how a connect went: 0, or a negative system error. Must not throw. */
export interface RingConnector {
  onRingConnected(status: number): void;
}

/** Hears what a listening socket has accepted: a descriptor, or a negative system error. Must not throw. */
export interface RingAcceptor {
  onRingAccepted(status: number): void;
}

/** A connect, or an accept, that is under way. */
export interface RingTask<Owner> {
  readonly fd: number;
  readonly tag: number;
  readonly owner: Owner;
  readonly operation: typeof ACCEPT | typeof CONNECT;
}

/** A socket that is read and written through a ring. */
export class RingSocket extends RingMember<RingOwner> {
  /** Bytes that were written and may not be out yet: nothing else may be written meanwhile, through the ring or not. */
  sending = 0;
  sendingAt = 0;
  reads = 0;
  status: number | undefined;
  readonly left: Buffer[] = [];
}

/**
 * The sockets that a thread reads and writes through io_uring instead of one call for each read and write, and one
 * crossing from C++ to JavaScript for each: what a turn of the event loop brings is taken at once, and what it wants written is given at
 * once at its end. Those that it has accepted or connected have no handle at first (`RingHandle`), others join. It only does
 * what is simple: a socket leaves it, for a handle that it has or gets, whenever it ends, fails, is to be stopped, or there are no
 * buffers.
 */
export class RingSockets implements CompletionSink, TurnEnd {
  /** Whether sockets may join. */
  open = true;
  readonly readsBefore: number;
  /** Sockets that are in it. */
  size = 0;
  /** When all that waited has had its turn. */
  readonly passes = new RingPasses();
  /** UDP sockets that it has. */
  readonly datagrams: RingDatagrams;
  readonly #record: RingRecord;
  readonly #ring: IoUring;
  readonly #events: UnconnectedHandle;
  /** By their tags: what is said for a tag is said of its kind. */
  readonly #tags = new Tags<RingSocket | RingTask<unknown>>();
  /** What is queued will be submitted. */
  #submits = false;
  /** The next turn is to look again. */
  #comesBack: NodeJS.Immediate | undefined;
  /** How much was told in this turn. */
  #told = 0;
  /** How many more accepts may begin in this turn, and those that wait for another. */
  #acceptsLeft = Number.POSITIVE_INFINITY;
  #heldBack: RingTask<RingAcceptor>[] = [];
  /** In this turn something came of a connection that is kept. */
  #isUsed = false;
  /** The next turn of the ring may be in this one of the event loop. */
  #polls = false;

  /**
   * Throws, with the reason, where io_uring cannot be used. `record` is for `freeRing`, when the thread has ended. A socket
   * joins after `readsBefore` reads in a row that were small: it lives long then, and a reader of much has more of large buffers.
   */
  constructor(kit: HandleKit, record: RingRecord, readsBefore = 16) {
    this.#record = record;
    this.readsBefore = readsBefore;
    try {
      this.#ring = new IoUring(record);
    } catch (error) {
      freeRing(record);
      throw error;
    }
    this.datagrams = new RingDatagrams(this.#ring, this.passes, () => this.#queue());
    this.#events = kit.newPipe();
    this.#events.open(this.#ring.eventFd);
    this.#events.useUserBuffer(eventCount);
    this.#events.onread = this.#onEvents;
    this.#events.readStart();
    this.#events.unref();
  }

  /** Calls for sockets that have no handle. */
  get bare(): BareSockets {
    return this.#ring.sockets;
  }

  /** Notes whether a socket has no handle, so that it is closed when the thread dies. False when that cannot be noted. */
  note(fd: number, isBare: boolean): boolean {
    return noteSocket(this.#record, fd, isBare);
  }

  /** Reads a socket from now on. It must stay open, and nobody else may read it, until `onRingLeft`. */
  join(owner: RingOwner, fd: number): RingSocket {
    const tag = this.#tags.take();
    const socket = new RingSocket(owner, fd, tag);
    this.#tags.set(tag, socket);
    this.size++;
    this.#ring.receive(socket);
    this.#queue();
    return socket;
  }

  /** Connects a socket to an address as struct sockaddr has it. It must stay open until the owner has heard of it. */
  connect(owner: RingConnector, fd: number, address: Uint8Array): RingTask<RingConnector> {
    const task = this.#begin(owner, fd, CONNECT);
    this.#ring.connect(task, address);
    return task;
  }

  /**
   * Accepts one connection of a listening socket, which must stay open until the owner has heard of it. Not all that wait
   * there: they would be more than other sockets should wait for.
   */
  accept(owner: RingAcceptor, fd: number): RingTask<RingAcceptor> {
    const task = this.#begin(owner, fd, ACCEPT);
    this.#heldBack.push(task);
    this.#acceptOn();
    return task;
  }

  /** Has that given up; its owner hears of it as ever. */
  cancel(task: RingTask<unknown>): void {
    // What has not begun cannot be cancelled.
    this.#acceptsLeft = Number.POSITIVE_INFINITY;
    this.#acceptOn();
    this.#ring.cancel(task, task.operation);
    this.#queue();
  }

  #acceptOn(): void {
    for (; this.#acceptsLeft > 0 && this.#heldBack.length > 0; this.#acceptsLeft--)
      this.#ring.accept(this.#heldBack.shift()!);
  }

  #begin<Owner>(owner: Owner, fd: number, operation: RingTask<Owner>['operation']): RingTask<Owner> {
    const task = { fd, tag: this.#tags.take(), owner, operation };
    this.#tags.set(task.tag, task);
    this.#queue();
    return task;
  }

  /** True when so many bytes can be written through the ring now. */
  takes(socket: RingSocket, length: number): boolean {
    if (socket.leaving || socket.sending > 0 || length === 0) return false;
    return length <= COPY_AS_TEXT_BYTES && this.#ring.hasRoom(length);
  }

  /** Writes `bytes[start..end)`, which it must take; the caller's buffer is free again at once. */
  write(socket: RingSocket, bytes: Buffer, start: number, end: number): void {
    socket.sending = end - start;
    socket.sendingAt = this.#ring.send(socket, bytes, start, end);
    this.#queue();
  }

  /** Writes latin1 text, which it must take. */
  writeText(socket: RingSocket, text: string): void {
    socket.sending = text.length;
    socket.sendingAt = this.#ring.sendText(socket, text);
    this.#queue();
  }

  /** Has what was written sent now. When not all was taken, `onRingSent` is called before this returns false. */
  finish(socket: RingSocket): boolean {
    const isSent = this.#sent(socket, this.#ring.sendNow(socket.tag));
    if (socket.leaving) setImmediate(() => this.#settle(socket));
    return isSent;
  }

  /** Lets go of a socket; `onRingLeft` follows. */
  leave(socket: RingSocket): void {
    if (socket.leaving) return;
    socket.leaving = true;
    this.#ring.cancel(socket, RECV);
    this.#queue();
  }

  #queue(): void {
    if (this.#submits) return;
    this.#submits = true;
    atTurnEnd(this);
  }

  /** There is something to take. A turn that was cut short is to be followed by one, not by one for each of these. */
  readonly #onEvents = (): void => {
    if (this.#comesBack !== undefined) return;
    this.#polls = true;
    this.#onTurn();
    this.#polls = false;
  };

  readonly #onTurn = (): void => {
    this.#comesBack = undefined;
    this.#told = 0;
    this.#acceptsLeft = this.#isUsed ? MOST_ACCEPTED_IN_A_TURN : Number.POSITIVE_INFINITY;
    this.#isUsed = false;
    this.#acceptOn();
    this.#take();
  };

  /** What the others wanted written is known. */
  afterPoll(): void {
    this.#submits = false;
    if (this.#ring.queued > 0 || this.#heldBack.length > 0) this.#take();
  }

  /** Tells what was done, and what came of that, as far as it does not keep everything else waiting. */
  #take(): void {
    const ring = this.#ring;
    this.#submits = true;
    ring.quiet = true;
    // To ask for what is not there is a call as long as any.
    while (this.#told < MOST_IN_A_TURN && (ring.queued > 0 || ring.hasMore)) {
      this.passes.lookAgain();
      const told = ring.take(this);
      if (told === 0) break;
      this.#told += told;
    }
    if (ring.queued > 0) ring.submit();
    this.#submits = false;
    ring.quiet = false;
    if (this.#comesBack !== undefined) return;
    const isCutShort = this.#told >= MOST_IN_A_TURN;
    if (isCutShort) this.passes.cutShort(!this.#polls);
    else this.passes.end();
    // One that was cut short is to be followed by another, also when there is nothing to tell yet.
    if (isCutShort || ring.hasMore || this.#heldBack.length > 0) this.#comesBack = setImmediate(this.#onTurn);
  }

  onConnected(tag: number, status: number): void {
    const { owner } = this.#tags.get(tag) as RingTask<RingConnector>;
    this.#tags.free(tag);
    owner.onRingConnected(status);
  }

  onAccepted(tag: number, status: number): void {
    const { owner } = this.#tags.get(tag) as RingTask<RingAcceptor>;
    this.#tags.free(tag);
    owner.onRingAccepted(status);
  }

  onDatagram(tag: number, bytes: Buffer, length: number, more: boolean): void {
    this.datagrams.onDatagram(tag, bytes, length, more);
  }

  onDatagramEnd(tag: number, status: number): void {
    this.datagrams.onDatagramEnd(tag, status);
  }

  onDatagramUnsent(number: number, status: number): void {
    this.datagrams.onDatagramUnsent(number, status);
  }

  onTurnOver(): void {
    this.datagrams.onTurnOver();
  }

  onReceived(tag: number, bytes: Buffer, length: number, more: boolean): void {
    const socket = this.#tags.get(tag) as RingSocket;
    this.passes.sees(socket);
    if (++socket.reads > READS_OF_A_REQUEST) this.#isUsed = true;
    socket.receiving = more;
    if (socket.leaving) socket.left.push(Buffer.from(bytes.subarray(0, length)));
    else socket.owner.onRingBytes(bytes, length);
    if (more) return;
    if (socket.leaving) return this.#settle(socket);
    socket.receiving = true;
    this.#ring.receive(socket);
    this.#queue();
  }

  onReceiveEnd(tag: number, status: number): void {
    const socket = this.#tags.get(tag) as RingSocket;
    socket.receiving = false;
    socket.leaving = true;
    if (!passing.has(status)) socket.status = status;
    this.#settle(socket);
  }

  onSent(tag: number, status: number): void {
    const socket = this.#tags.get(tag) as RingSocket;
    this.#sent(socket, status);
    this.#settle(socket);
  }

  /** True when all was taken. */
  #sent(socket: RingSocket, status: number): boolean {
    const { sending, sendingAt, owner } = socket;
    socket.sending = 0;
    if (status === sending) return true;
    const sent = Math.max(status, 0);
    if (status < 0 && !passing.has(status)) owner.onRingSent(status, undefined);
    else owner.onRingSent(0, this.#ring.unsent(sendingAt + sent, sending - sent));
    return false;
  }

  /** The ring has nothing to do with a socket any more. */
  #settle(socket: RingSocket): void {
    if (!socket.leaving || socket.receiving || socket.sending > 0 || this.#tags.get(socket.tag) !== socket) return;
    this.#tags.free(socket.tag);
    this.size--;
    socket.owner.onRingLeft(socket.left, socket.status);
  }

  /** Gives everything back; no socket may be in it, nothing be under way, and no owner be hearing of anything. */
  close(): void {
    this.open = false;
    // What looks for more in the next turn would look into memory that is somebody else's by then.
    clearImmediate(this.#comesBack);
    this.#events.close();
    freeRing(this.#record);
  }
}
