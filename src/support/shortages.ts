/** Errors of the system that say what this side lacks for a connection, whoever is at the other end, in words. */
export const shortages: ReadonlyMap<string, string> = new Map([
  ['EMFILE', 'too many open files here'],
  ['ENFILE', 'too many open files on this machine'],
  ['ENOBUFS', 'no buffer space here'],
  ['ENOMEM', 'no memory here'],
]);
