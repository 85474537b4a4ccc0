import { getSystemErrorName } from 'node:util';

/** What a write fails with once the other side has closed the connection. */
const gone: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET']);

/** True of an error of a write that says only that the other side takes no more: what it has sent may still be there to read. */
export function takesNoMore({ code }: NodeJS.ErrnoException): boolean {
  return gone.has(code);
}

/** An error as node:net makes it, of a negative status of libuv; `syscall` says what was tried. */
export function systemError(status: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: status, syscall });
}
