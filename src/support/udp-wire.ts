import type { Buffer } from 'node:buffer';
import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Datagrams that wait in this process because the kernel takes no more, in bytes for each socket: what exceeds them is lost. */
export const MOST_QUEUED_BYTES = 1024 * 1024;

/** Where a datagram comes from. */
export interface UdpSource {
  readonly address: string;
  readonly port: number;
}

/** Hears what happens to a UDP socket. */
export interface UdpSink {
  /** A datagram came; its bytes are valid only during the call, but may be sent. */
  onDatagram(bytes: Buffer, from: UdpSource): void;
  /** The system tells of a datagram that did not go out or arrive, by the code of the error. Never called from within `send`. */
  onError(error: NodeJS.ErrnoException): void;
}

/** A UDP socket as the data plane needs it. A datagram that finds a full queue is lost, which sends tell by false; its bytes may not be changed. */
export interface UdpWire {
  readonly localPort: number;
  /** Its descriptor; negative when it is not known. */
  readonly fd: number;
  /** Sends to the address it is connected to. */
  send(bytes: Buffer): boolean;
  sendTo(bytes: Buffer, to: UdpSource): boolean;
  /** Its sink hears nothing any more. Its port may be free a turn of the event loop later only. */
  close(): void;
}

/** Where a socket is bound. */
export interface UdpBind {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Other sockets that ask for the same may have the port too, each at another address. */
  readonly reusePort: boolean;
}

/** Where a socket is connected to. */
export interface UdpTarget {
  readonly host: string;
  readonly port: number;
  /** The address to come from, '' for any. */
  readonly local: string;
}

/** How UDP sockets are made. Addresses are literal. */
export interface UdpMaker {
  /** Rejects with the system's error when it cannot listen there. */
  bind(to: UdpBind, sink: UdpSink): Promise<UdpWire>;
  /** Never fails by itself: what goes wrong is told to the sink. */
  connect(to: UdpTarget, sink: UdpSink): UdpWire;
}

/** Every address is one already, and an answer at once saves a turn of the event loop for each datagram. */
function lookupNothing(
  host: string,
  options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  const tell = (typeof options === 'function' ? options : done) as typeof done;
  tell(null, host, isIPv6(host) ? 6 : 4);
}

/** A UDP socket on `dgram`: it works with every version of Node. */
class SocketUdpWire implements UdpWire {
  readonly fd = -1;
  readonly #socket: dgram.Socket;
  readonly #sink: UdpSink;
  #isOpen = true;

  constructor(socket: dgram.Socket, sink: UdpSink) {
    this.#socket = socket;
    this.#sink = sink;
  }

  /** Tells of an error, if there is one; every send has this, or nobody would hear that a datagram did not go out. */
  readonly tell = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null && this.#isOpen) this.#sink.onError(error);
  };

  get localPort(): number {
    return this.#socket.address().port;
  }

  send(bytes: Buffer): boolean {
    if (this.#socket.getSendQueueSize() > MOST_QUEUED_BYTES) return false;
    try {
      this.#socket.send(bytes, this.tell);
    } catch {
      // It could not be connected, of which its error tells.
    }
    return true;
  }

  sendTo(bytes: Buffer, { port, address }: UdpSource): boolean {
    if (this.#socket.getSendQueueSize() > MOST_QUEUED_BYTES) return false;
    this.#socket.send(bytes, port, address, this.tell);
    return true;
  }

  close(): void {
    this.#isOpen = false;
    this.#socket
      .removeAllListeners('message')
      .removeAllListeners('error')
      .on('error', () => {});
    this.#socket.close();
  }
}

function openSocket(host: string, sink: UdpSink, reusePort = false): dgram.Socket {
  const type = isIPv6(host) ? 'udp6' : 'udp4';
  const socket = dgram.createSocket({ type, reusePort, lookup: lookupNothing as never });
  return socket.on('message', (bytes, from) => sink.onDatagram(bytes, from));
}

/** UDP sockets on `dgram`. */
export const socketUdp: UdpMaker = {
  bind({ host, port, reusePort }, sink) {
    const socket = openSocket(host, sink, reusePort);
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.off('error', reject);
        const wire = new SocketUdpWire(socket, sink);
        socket.on('error', wire.tell);
        resolve(wire);
      });
    });
  },

  connect({ host, port, local }, sink) {
    const socket = openSocket(host, sink);
    const wire = new SocketUdpWire(socket, sink);
    // Some errors come while this call is under way, when the sink cannot know the wire yet.
    socket.on('error', (error) => process.nextTick(wire.tell, error));
    if (local !== '') socket.bind({ address: local, exclusive: true });
    socket.connect(port, host);
    return wire;
  },
};
