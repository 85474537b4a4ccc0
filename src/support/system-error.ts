import { getSystemErrorName } from 'node:util';

/** An error as node:net makes it, of a negative status of libuv; `syscall` says what was tried. */
export function systemError(status: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: status, syscall });
}
