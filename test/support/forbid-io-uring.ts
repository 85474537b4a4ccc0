import { constants } from 'node:os';

// Becomes the command that the arguments name, without the system calls of io_uring, as container runtimes have it. To be
// run with UV_USE_IO_URING=0: libuv ends a process that it finds without the ring it has.
const FIRST_CALL = 425;
const LAST_CALL = 427;

const SYS_SECCOMP = 317;
const SECCOMP_SET_MODE_FILTER = 1;
/** SECCOMP_FILTER_FLAG_TSYNC: for all threads that there are. */
const ALL_THREADS = 1;
const PR_SET_NO_NEW_PRIVS = 38;

/** A statement of a filter, as linux/filter.h has it. */
const statement = (code: number, jumpIf: number, jumpElse: number, value: number): bigint =>
  BigInt(code) | (BigInt(jumpIf) << 16n) | (BigInt(jumpElse) << 24n) | (BigInt(value) << 32n);
const LOAD = 0x20;
const AT_LEAST = 0x35;
const ABOVE = 0x25;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const FAIL = 0x00050000;

const filter = new BigUint64Array([
  statement(LOAD, 0, 0, 0),
  statement(AT_LEAST, 0, 2, FIRST_CALL),
  statement(ABOVE, 1, 0, LAST_CALL),
  statement(RETURN, 0, 0, FAIL | constants.errno.EPERM),
  statement(RETURN, 0, 0, ALLOW),
]);

const { DynamicLibrary, getRawPointer } = process.getBuiltinModule('node:ffi') as typeof import('node:ffi');
const call = (name: string, args: readonly string[], ...values: (number | bigint)[]): void => {
  const called = new DynamicLibrary(null as never).getFunction(name, {
    arguments: [...args],
    return: 'int32',
  } as never);
  if ((called as unknown as (...of: typeof values) => number)(...values) !== 0) throw new Error(`${name} failed`);
};
const long = 'uint64';
call('prctl', ['int32', long, long, long, long], PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n);
const program = new BigUint64Array([BigInt(filter.length), getRawPointer(filter)]);
const filterCall = ['int32', 'int32', 'int32', long];
call('syscall', filterCall, SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, ALL_THREADS, getRawPointer(program));

const { UV_USE_IO_URING: _, ...environment } = process.env;
const command = process.argv.slice(2);
process.execve!(command[0]!, command, environment);
