import { lstatSync, statSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { isWildcard, parseAddress } from './address.ts';

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EEXIST: 'a file that is no socket is there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not listen there',
  ENOENT: 'there is no such directory',
  ENOTDIR: 'there is no such directory',
  ENOTFOUND: 'that name has no address',
  EAI_AGAIN: 'no name server tells an address of that name',
};

/** The error of an address that could not be listened on, in a sentence: `WHO cannot listen on WHERE: why`. */
export function bindError(who: string, where: string, cause: NodeJS.ErrnoException): Error {
  const code = codeOf(where, cause);
  const address = parseAddress(where);
  const isForAll =
    code === 'EADDRINUSE' && typeof address === 'object' && address.kind === 'tcp' && isWildcard(address.host);
  const reason = `${reasons[code] ?? cause.message}${isForAll ? ", or at one of this machine's addresses" : ''}`;
  return new Error(`${who} cannot listen on ${where}: ${reason}`, { cause });
}

/** What the system's code does not tell of a Unix socket: libuv says EACCES where a directory is missing (ENOENT). */
function codeOf(where: string, { code = '' }: NodeJS.ErrnoException): string {
  if (!where.startsWith('unix:')) return code;
  const path = where.slice('unix:'.length);
  try {
    if (code === 'EACCES' && statSync(dirname(path), { throwIfNoEntry: false }) === undefined) return 'ENOENT';
    if (code === 'EADDRINUSE' && !lstatSync(path).isSocket()) return 'EEXIST';
  } catch {
    // What cannot be looked at is told of as the system does.
  }
  return code;
}

/** What to listen on instead of all interfaces, IPv4 and IPv6, where the system has no IPv6: those of IPv4. */
export function withoutIpv6(host: string, cause: NodeJS.ErrnoException): string | undefined {
  return host === '::' && (cause.code === 'EAFNOSUPPORT' || cause.code === 'EADDRNOTAVAIL') ? '0.0.0.0' : undefined;
}

/** True when nobody accepts connections at a Unix socket any more. */
function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

/** Removes the socket file that a process which was killed has left behind; one in use, and any other file, stays. */
export async function clearStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() === true && (await isAbandoned(path))) await unlink(path);
}
