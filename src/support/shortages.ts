/** What this side lacks for a connection, whoever is at the other end. */
export interface Shortage {
  /** `connect-no-port`: for one to that address; to another one there may be some. `out-of-files`: for any. */
  readonly outcome: 'connect-no-port' | 'out-of-files';
  readonly words: string;
}

const lacks = (outcome: Shortage['outcome'], words: string): Shortage => ({ outcome, words });
const noPort = lacks('connect-no-port', 'no local address or port to connect from');

/** Errors of the system that say so, by their codes. */
export const shortages: ReadonlyMap<string, Shortage> = new Map([
  ['EMFILE', lacks('out-of-files', 'too many open files here')],
  ['ENFILE', lacks('out-of-files', 'too many open files on this machine')],
  ['ENOBUFS', lacks('out-of-files', 'no buffer space here')],
  ['ENOMEM', lacks('out-of-files', 'no memory here')],
  ['EADDRNOTAVAIL', noPort],
  // So it is put for a socket that is bound before it is connected: with `connect.local`, and for UDP.
  ['EADDRINUSE', noPort],
]);
