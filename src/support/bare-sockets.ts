import { Buffer } from 'node:buffer';
import { putLatin1 } from './latin1.ts';
import { CLOEXEC_NONBLOCK, native } from './native.ts';
import { type RingMemory, SCRATCH_AT, SCRATCH_BYTES } from './ring-memory.ts';
import type { SocketName } from './socket-handle.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const SHUT_WR = 1;
const SHUT_RDWR = 2;
const F_DUPFD_CLOEXEC = 1030;

/** Of struct sockaddr_in and sockaddr_in6: their sizes in bytes, and where the address begins. */
const v4 = { family: AF_INET, bytes: 16, at: 4 };
const v6 = { family: AF_INET6, bytes: 28, at: 8 };
const PORT_AT = 2;
/** Of sockaddr_in6: the interface that a link-local address is one of. */
const ZONE_AT = 24;

/** Places in the scratch memory, in bytes. */
const NAME_AT = 0;
const LENGTH_AT = 32;
const ON_AT = 36;
const TEXT_AT = 64;
const TEXT_BYTES = SCRATCH_BYTES - TEXT_AT;

/** Backends have so many hosts at most that are remembered. */
const MOST_HOSTS = 4096;

/** Calls for TCP sockets that no handle of libuv has, by their descriptors, and addresses as the kernel has them. */
export class BareSockets {
  readonly #native = native();
  readonly #scratch: Buffer;
  readonly #view: DataView;
  /** The addresses of these places, and of where an IP address begins in a name of each family. */
  readonly #name: bigint;
  readonly #length: bigint;
  readonly #on: bigint;
  readonly #text: bigint;
  readonly #ip: Readonly<Record<number, bigint>>;
  readonly #hosts = new Map<string, Buffer>();

  constructor({ memory, address }: Pick<RingMemory, 'memory' | 'address'>) {
    this.#scratch = Buffer.from(memory, SCRATCH_AT, SCRATCH_BYTES);
    this.#view = new DataView(memory, SCRATCH_AT, SCRATCH_BYTES);
    const at = (place: number): bigint => address + BigInt(SCRATCH_AT + place);
    this.#name = at(NAME_AT);
    this.#length = at(LENGTH_AT);
    this.#on = at(ON_AT);
    this.#text = at(TEXT_AT);
    this.#ip = { [AF_INET]: at(NAME_AT + v4.at), [AF_INET6]: at(NAME_AT + v6.at) };
    this.#view.setInt32(ON_AT, 1, true);
  }

  /** A new socket for IPv6 or IPv4, with TCP_NODELAY; negative when there is none to be had. */
  open(isV6: boolean): number {
    const fd = this.#native.socket(isV6 ? AF_INET6 : AF_INET, SOCK_STREAM | CLOEXEC_NONBLOCK, 0);
    if (fd >= 0) this.#native.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, this.#on, 4);
    return fd;
  }

  close(fd: number): void {
    this.#native.close(fd);
  }

  /** Sends the FIN. */
  end(fd: number): void {
    this.#native.shutdown(fd, SHUT_WR);
  }

  /** Has a socket listen no more at once, whatever is under way on it. */
  unlisten(fd: number): void {
    this.#native.shutdown(fd, SHUT_RDWR);
  }

  /** Another descriptor for the same; negative when there is none to be had. */
  duplicate(fd: number): number {
    return this.#native.fcntl(fd, F_DUPFD_CLOEXEC, 0);
  }

  /** The address and port as struct sockaddr has them, valid until the next call; undefined when the host is no IP address. */
  socketAddress(host: string, port: number): Buffer | undefined {
    const address = this.#hosts.get(host) ?? this.#parse(host);
    address?.writeUInt16BE(port, PORT_AT);
    return address;
  }

  #parse(host: string): Buffer | undefined {
    if (host.length >= TEXT_BYTES) return undefined;
    const { family, bytes } = host.includes(':') ? v6 : v4;
    putLatin1(`${host}\0`, this.#scratch, TEXT_AT);
    this.#scratch.fill(0, NAME_AT, NAME_AT + bytes);
    this.#view.setUint16(NAME_AT, family, true);
    if (this.#native.inetPton(family, this.#text, this.#ip[family]!) !== 1) return undefined;
    const address = Buffer.from(this.#scratch.subarray(NAME_AT, NAME_AT + bytes));
    if (this.#hosts.size === MOST_HOSTS) this.#hosts.clear();
    this.#hosts.set(host, address);
    return address;
  }

  /** Fills in where a socket is bound or connected to; as a handle, negative when that cannot be told. */
  name(call: 'getpeername' | 'getsockname', fd: number, out: SocketName): number {
    this.#view.setUint32(LENGTH_AT, v6.bytes, true);
    const status = this.#native[call](fd, this.#name, this.#length);
    if (status === 0) this.#read(out);
    return status;
  }

  /** The address that struct sockaddr tells. */
  readName(address: Uint8Array): SocketName {
    const name: SocketName = {};
    this.#scratch.set(address, NAME_AT);
    this.#read(name);
    return name;
  }

  #read(out: SocketName): void {
    const family = this.#view.getUint16(NAME_AT, true) === AF_INET6 ? AF_INET6 : AF_INET;
    this.#native.inetNtop(family, this.#ip[family]!, this.#text, TEXT_BYTES);
    out.address = this.#readText();
    const zone = family === AF_INET6 ? this.#view.getUint32(NAME_AT + ZONE_AT, true) : 0;
    if (zone !== 0 && this.#native.ifIndexToName(zone, this.#text) !== 0n) out.address += `%${this.#readText()}`;
    out.port = this.#view.getUint16(NAME_AT + PORT_AT);
  }

  #readText(): string {
    return this.#scratch.toString('latin1', TEXT_AT, this.#scratch.indexOf(0, TEXT_AT));
  }
}
