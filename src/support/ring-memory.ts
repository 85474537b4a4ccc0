import { CLOEXEC_NONBLOCK, checked, native } from './native.ts';
import { HELD, type RingRecord, takeNoted } from './ring-record.ts';

const IO_URING_SETUP = 425;
const IO_URING_ENTER = 426;
const IO_URING_REGISTER = 427;

const SETUP_FLAGS =
  (1 << 3) | // IORING_SETUP_CQSIZE
  (1 << 7) | // IORING_SETUP_SUBMIT_ALL: an entry that fails does not stop those behind it
  (1 << 9) | // IORING_SETUP_TASKRUN_FLAG
  (1 << 12) | // IORING_SETUP_SINGLE_ISSUER
  (1 << 13); // IORING_SETUP_DEFER_TASKRUN: completions come when they are asked for, and in this thread only
const ENTER_GETEVENTS = 1;
const REGISTER_EVENTFD = 4n;
const REGISTER_PBUF_RING = 22n;
const MADV_NOHUGEPAGE = 15;
const OFFSET_ENTRIES = 0x10000000n;

const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x01 | 0x8000;
const MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;

/** What an entry asks for and lasts until it is cancelled or there is something to tell, as io_uring_enter(2) numbers it. */
export const RECVMSG = 10;
export const ACCEPT = 13;
export const CONNECT = 16;
export const RECV = 27;

/** Entries that can be queued, and completions that have room. */
export const SUBMISSIONS = 2048;
export const COMPLETIONS = 8192;
/** Their sizes, in Int32. */
export const ENTRY_INTS = 16;
export const COMPLETION_INTS = 4;

/** Buffers that the kernel puts what it receives into: their number, the size of each, and where they and what describes them begin, in bytes. */
export interface BufferGroup {
  readonly id: number;
  /** A power of two. */
  readonly count: number;
  readonly bytes: number;
  readonly entriesAt: number;
  readonly at: number;
}

/** The size of what describes a buffer, in Int32. */
export const BUFFER_ENTRY_INTS = 4;

/** For what streams bring. */
export const RING_BUFFER_BYTES = 8192;
const STREAM_BUFFERS = 512;
/** For datagrams, the longest of which has room with what tells where it is from; only what was used of them takes memory. */
const DATAGRAM_BUFFERS = 256;
const DATAGRAM_BUFFER_BYTES = 68 * 1024;

/** What describes a group begins with a page, the largest of which has so many bytes. */
const PAGE_BYTES = 64 * 1024;
const BUFFERS_AT = 2 * PAGE_BYTES;
/** Buffers of streams. */
export const STREAMS: BufferGroup = {
  id: 0,
  count: STREAM_BUFFERS,
  bytes: RING_BUFFER_BYTES,
  entriesAt: 0,
  at: BUFFERS_AT,
};
/** Buffers of datagrams. */
export const DATAGRAMS: BufferGroup = {
  id: 1,
  count: DATAGRAM_BUFFERS,
  bytes: DATAGRAM_BUFFER_BYTES,
  entriesAt: PAGE_BYTES,
  at: BUFFERS_AT + STREAM_BUFFERS * RING_BUFFER_BYTES,
};

/** Room for bytes that are to be sent and lie elsewhere; there is twice as much. */
export const OUTBOX_BYTES = 256 * 1024;

/** Where the parts of the memory behind the buffers begin; the last one is for what is over when a call returns. */
export const OUTBOX_AT = DATAGRAMS.at + DATAGRAM_BUFFERS * DATAGRAM_BUFFER_BYTES;
/** Room for an address beside each entry. */
export const ADDRESSES_AT = OUTBOX_AT + 2 * OUTBOX_BYTES;
export const ADDRESS_BYTES = 32;
/** struct msghdr of those who receive datagrams: room for an address, and none for anything else. */
export const MESSAGE_AT = ADDRESSES_AT + SUBMISSIONS * ADDRESS_BYTES;
const MESSAGE_BYTES = 64;
/** The size of the address of a datagram in a buffer, and of what stands before it: struct io_uring_recvmsg_out. */
export const DATAGRAM_NAME_BYTES = 28;
export const DATAGRAM_HEADER_BYTES = 16;
export const SCRATCH_AT = MESSAGE_AT + MESSAGE_BYTES;
export const SCRATCH_BYTES = 256;
const MEMORY_BYTES = SCRATCH_AT + SCRATCH_BYTES;

/** Sockets that were accepted, and that the thread of the ring has not come to see. */
function unseen(parts: BigUint64Array): number[] {
  if (parts[HELD + 2] === 0n) return [];
  const rings = new Int32Array(native().memoryAt(parts[3]!, Number(parts[4])));
  const [headAt, tailAt, completions] = [...parts.subarray(HELD)].map(Number) as [number, number, number];
  const accepted: number[] = [];
  for (let head = rings[headAt]!; head !== rings[tailAt]; head = (head + 1) | 0) {
    const at = completions + (head & (COMPLETIONS - 1)) * COMPLETION_INTS;
    if (rings[at + 1] === ACCEPT && rings[at + 2]! >= 0) accepted.push(rings[at + 2]!);
  }
  return accepted;
}

/**
 * Closes a ring that nobody uses any more, as when its thread has ended, with the sockets that only it had, and gives its
 * memory back; nothing when there is none.
 */
export function freeRing(record: RingRecord): void {
  const { parts } = record;
  if (parts.every((part) => part === 0n)) return;
  const { close, munmap } = native();
  for (const fd of [...unseen(parts), ...takeNoted(record)]) close(fd);
  if (parts[0] !== 0n) close(Number(parts[0]));
  for (let i = 1; i < HELD; i += 2) if (parts[i] !== 0n) munmap(parts[i]!, parts[i + 1]!);
  parts.fill(0n);
}

/** The memory of one ring, as io_uring_setup(2) describes it, all of it mapped for this alone. */
export interface RingMemory {
  /** Readable when there are completions, unless that is turned off. */
  readonly eventFd: number;
  /** Submits so many entries and posts what is complete; as io_uring_enter(2), -1 when it failed. */
  enter(entries: number): number;
  /** Both rings as Int32; what follows are places in it. */
  readonly rings: Int32Array;
  readonly tail: number;
  readonly flags: number;
  readonly headOfCompletions: number;
  readonly tailOfCompletions: number;
  readonly completionFlags: number;
  readonly completions: number;
  /** Entries to submit. */
  readonly entries: Int32Array;
  /** What bytes are received into and sent from, and its address. */
  readonly memory: ArrayBuffer;
  readonly address: bigint;
}

/**
 * Sets a ring up for this thread; needs Linux 6.1 on x64. `record` is filled with what `freeRing` needs of the ring itself, also when
 * it throws, with the reason.
 */
export function setUpRing({ parts }: RingRecord): RingMemory {
  // Others order what two sides do to the same memory less strictly.
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('it is used on Linux on x64 only');
  const { syscall, syscallOfNumbers, mmap, madvise, memoryAt, eventfd, close } = native();
  let filled = 1;
  const map = (bytes: number, flags: number, fd: number, offset: bigint): bigint => {
    const address = mmap(0n, BigInt(bytes), PROT_READ_WRITE, flags, fd, offset);
    checked(BigInt.asIntN(64, address) === -1n ? -1 : 0);
    parts[filled++] = address;
    parts[filled++] = BigInt(bytes);
    return address;
  };
  const address = map(MEMORY_BYTES, MAP_PRIVATE_ANONYMOUS, -1, 0n);
  const memory = memoryAt(address, MEMORY_BYTES);
  // Most of it is never used. A kernel without huge pages refuses this.
  madvise(address, BigInt(MEMORY_BYTES), MADV_NOHUGEPAGE);
  new Uint32Array(memory, MESSAGE_AT, 3)[2] = DATAGRAM_NAME_BYTES;
  const scratch = address + BigInt(SCRATCH_AT);

  // struct io_uring_params, with struct io_sqring_offsets at 40 bytes and struct io_cqring_offsets at 80.
  const params = new Uint32Array(memory, SCRATCH_AT, 30);
  params[1] = COMPLETIONS;
  params[2] = SETUP_FLAGS;
  const fd = checked(syscall(IO_URING_SETUP, SUBMISSIONS, scratch, 0n, 0));
  parts[0] = BigInt(fd);
  const placeOf = (param: number): number => params[param]! / Int32Array.BYTES_PER_ELEMENT;
  const places = {
    tail: placeOf(11),
    flags: placeOf(14),
    headOfCompletions: placeOf(20),
    tailOfCompletions: placeOf(21),
    completions: placeOf(25),
    completionFlags: placeOf(26),
  };
  const array = placeOf(16);
  const ringsBytes = 4 * Math.max(array + SUBMISSIONS, places.completions + COMPLETIONS * COMPLETION_INTS);
  const rings = new Int32Array(memoryAt(map(ringsBytes, MAP_SHARED_POPULATE, fd, 0n), ringsBytes));
  for (let i = 0; i < SUBMISSIONS; i++) rings[array + i] = i;
  const entriesBytes = SUBMISSIONS * ENTRY_INTS * 4;
  const entries = new Int32Array(memoryAt(map(entriesBytes, MAP_SHARED_POPULATE, fd, OFFSET_ENTRIES), entriesBytes));
  parts.set([places.headOfCompletions, places.tailOfCompletions, places.completions].map(BigInt), HELD);

  // struct io_uring_buf_reg.
  for (const { id, count, entriesAt } of [STREAMS, DATAGRAMS]) {
    const of = BigInt(count) | (BigInt(id) << 32n);
    new BigUint64Array(memory, SCRATCH_AT, 5).set([address + BigInt(entriesAt), of, 0n, 0n, 0n]);
    checked(syscall(IO_URING_REGISTER, fd, REGISTER_PBUF_RING, scratch, 1));
  }
  const eventFd = checked(eventfd(0, CLOEXEC_NONBLOCK));
  new Int32Array(memory, SCRATCH_AT, 1)[0] = eventFd;
  try {
    checked(syscall(IO_URING_REGISTER, fd, REGISTER_EVENTFD, scratch, 1));
  } catch (error) {
    close(eventFd);
    throw error;
  }
  return {
    eventFd,
    enter: (count) => syscallOfNumbers(IO_URING_ENTER, fd, count, 0, ENTER_GETEVENTS, 0, 0),
    rings,
    ...places,
    entries,
    memory,
    address,
  };
}
