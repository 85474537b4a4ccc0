import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type NetConnectOpts } from 'node:net';
import type { Address } from '../support/address.ts';
import { shortages } from '../support/shortages.ts';

/** Where a probe goes. */
export interface Endpoint {
  readonly address: Address;
  /** The port instead of the address's; 0 is the same. Without meaning for a Unix socket. */
  readonly port: number;
}

/** One way of asking a backend how it is. Holds nothing between checks: one probe serves any number of endpoints. */
export interface Probe {
  /**
   * Resolves when the backend is well; otherwise rejects with an Error whose message is the reason in words. When the
   * signal aborts it settles in the same turn, as a rule by rejecting with the signal's reason. Whatever the outcome,
   * no socket outlives it.
   */
  check(to: Endpoint, signal: AbortSignal): Promise<void>;
}

/**
 * A probe that failed for want of something on this machine (descriptors, memory, local ports). It says nothing of the
 * backend: taking every backend down because this process ran out of descriptors would turn a shortage into an outage.
 */
export class LocalShortage extends Error {}

/** Host and port to connect to, or the path of a Unix socket. */
export type ConnectOptions = { readonly host: string; readonly port: number } | { readonly path: string };

/** The endpoint as `net.connect` wants it. */
export function connectOptions({ address, port }: Endpoint): ConnectOptions {
  if (address.kind === 'unix') return { path: address.path };
  return { host: address.host, port: port === 0 ? address.port : port };
}

/** The same for a connection from the address `local`, '' for any; `lookup` turns names into addresses. */
export function connectOptionsFrom(local: string, to: Endpoint, lookup: LookupFunction): NetConnectOpts {
  const where = connectOptions(to);
  return local === '' ? { ...where, lookup } : { ...where, lookup: lookupFrom(local, lookup), localAddress: local };
}

/** Of the addresses that `lookup` finds only those that can be reached from the address `local`; all of them for ''. */
export function lookupFrom(local: string, lookup: LookupFunction): LookupFunction {
  const family = isIP(local);
  if (family === 0) return lookup;
  return (host, options, callback) =>
    lookup(host, { ...options, all: true }, (error, all) => {
      if (error !== null) return callback(error, '');
      const found = (all as LookupAddress[]).filter((each) => each.family === family);
      const [first] = found;
      if (first === undefined)
        return callback(new Error(`${host} has no IPv${family} address to reach from ${local}`), '');
      if (options.all) callback(null, found);
      else callback(null, first.address, first.family);
    });
}

const failures: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'connection reset'],
  ['EPIPE', 'connection reset'],
  ['ETIMEDOUT', 'connection timed out'],
  ['EHOSTUNREACH', 'no route to host'],
  ['EHOSTDOWN', 'host is down'],
  ['ENETUNREACH', 'no route to network'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['ENOENT', 'no such socket file'],
  ['EAGAIN', 'backlog is full'],
  ['HPE_HEADER_OVERFLOW', 'response head is too large'],
]);

/** The Error a probe rejects with for what a socket or parser threw: a known code in words, otherwise the error itself. */
export function probeFailure(cause: Error): Error {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const shortage = shortages.get(code);
  if (shortage !== undefined) return new LocalShortage(shortage.words, { cause });
  const failure = failures.get(code);
  if (failure !== undefined) return new Error(failure, { cause });
  if (code.startsWith('HPE_')) return new Error('answer is not HTTP', { cause });
  return cause;
}
