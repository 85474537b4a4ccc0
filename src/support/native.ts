import { getSystemErrorMessage } from 'node:util';

type Ffi = typeof import('node:ffi');

/** O_CLOEXEC and O_NONBLOCK, which sockets and an eventfd take as their own flags. */
export const CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;

/**
 * Functions of the C library, by node:ffi. Nothing checks what they are given: an address that is wrong ends the process or
 * spoils its memory. So nobody gives them the address of anything that the collector may move or free.
 */
export interface Native {
  /** A system call that has no function of its own. */
  readonly syscall: (...of: [call: number, of: number, a: bigint, b: bigint, c: number]) => number;
  /** The same, with numbers only. */
  readonly syscallOfNumbers: (
    ...of: [call: number, a: number, b: number, c: number, d: number, e: number, f: number]
  ) => number;
  readonly mmap: (
    ...of: [at: bigint, bytes: bigint, access: number, flags: number, fd: number, offset: bigint]
  ) => bigint;
  readonly munmap: (at: bigint, bytes: bigint) => number;
  readonly madvise: (at: bigint, bytes: bigint, advice: number) => number;
  readonly eventfd: (initial: number, flags: number) => number;
  readonly close: (fd: number) => number;
  readonly fcntl: (fd: number, command: number, value: number) => number;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly shutdown: (fd: number, how: number) => number;
  readonly setsockopt: (...of: [fd: number, level: number, name: number, value: bigint, bytes: number]) => number;
  readonly getpeername: (fd: number, name: bigint, bytes: bigint) => number;
  readonly getsockname: (fd: number, name: bigint, bytes: bigint) => number;
  /** Between an IP address as text, which ends with a zero, and as bytes. */
  readonly inetPton: (family: number, text: bigint, bytes: bigint) => number;
  readonly inetNtop: (family: number, bytes: bigint, text: bigint, room: number) => bigint;
  /** The name of a network interface; `name` has room for 16 bytes. */
  readonly ifIndexToName: (index: number, name: bigint) => bigint;
  /** Where the error number of this thread is. */
  readonly errno: () => bigint;
  /** The memory there, which the collector leaves alone. */
  readonly memoryAt: (address: bigint, bytes: number) => ArrayBuffer;
}

let loaded: { readonly ffi: Ffi; readonly native: Native } | undefined;

/** Loads node:ffi. Throws where this Node has none; that it is experimental is for the caller to say. */
function load(): NonNullable<typeof loaded> {
  if (loaded !== undefined) return loaded;
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    const ffi = process.getBuiltinModule('node:ffi') as Ffi | undefined;
    if (ffi === undefined) throw new Error('this Node has no node:ffi');
    loaded = { ffi, native: link(ffi) };
  } finally {
    process.emitWarning = emitWarning;
  }
  return loaded;
}

function link({ DynamicLibrary, toArrayBuffer }: Ffi): Native {
  // One for each, since a library has one form of a function.
  const find = (name: string, args: readonly string[], result: string): never =>
    new DynamicLibrary(null as never).getFunction(name, { arguments: [...args], return: result } as never) as never;
  const address = 'uint64';
  const int = 'int32';
  return {
    syscall: find('syscall', [int, int, address, address, int], int),
    syscallOfNumbers: find('syscall', [int, int, int, int, int, int, int], int),
    mmap: find('mmap', [address, address, int, int, int, address], address),
    munmap: find('munmap', [address, address], int),
    madvise: find('madvise', [address, address, int], int),
    eventfd: find('eventfd', [int, int], int),
    close: find('close', [int], int),
    fcntl: find('fcntl', [int, int, int], int),
    socket: find('socket', [int, int, int], int),
    shutdown: find('shutdown', [int, int], int),
    setsockopt: find('setsockopt', [int, int, int, address, int], int),
    getpeername: find('getpeername', [int, address, address], int),
    getsockname: find('getsockname', [int, address, address], int),
    inetPton: find('inet_pton', [int, address, address], int),
    inetNtop: find('inet_ntop', [int, address, address, int], address),
    ifIndexToName: find('if_indextoname', [int, address], address),
    errno: find('__errno_location', [], address),
    memoryAt: (at, bytes) => toArrayBuffer(at, bytes, false),
  };
}

/** Throws where this Node has no node:ffi. */
export function native(): Native {
  return load().native;
}

/** Returns what a function has returned, unless that says that it failed: then throws the reason. */
export function checked(result: number): number {
  if (result !== -1) return result;
  const { ffi, native: functions } = load();
  throw new Error(getSystemErrorMessage(-ffi.getInt32(functions.errno())));
}
