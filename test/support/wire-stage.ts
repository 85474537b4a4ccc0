import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import type { WireMaker } from '../../src/support/open-wire.ts';
import type { ListeningHandle } from '../../src/support/socket-handle.ts';
import { type DialTarget, silentSink, type Wire, type WireSink } from '../../src/support/wire.ts';
import { eventually } from './patience.ts';

/** Everything that happened on a wire, in order. */
export class Recorder implements WireSink {
  readonly log: string[] = [];
  readonly chunks: Buffer[] = [];
  error: NodeJS.ErrnoException | undefined;
  /** What `onBytes` returns. */
  goOn = true;
  onEvent: (event: string) => void = () => {};

  #happened(event: string): void {
    this.log.push(event);
    this.onEvent(event);
  }

  onBytes(bytes: Buffer, length: number): boolean {
    this.chunks.push(Buffer.from(bytes.subarray(0, length)));
    this.#happened('bytes');
    return this.goOn;
  }
  onEnd(): void {
    this.#happened('end');
  }
  onDrain(): void {
    this.#happened('drain');
  }
  onClose(error: NodeJS.ErrnoException | undefined): void {
    this.error = error;
    this.#happened('close');
  }
  onConnect(): void {
    this.#happened('connect');
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  /** Waits until `event` has happened `times` times. */
  async has(event: string, times = 1): Promise<void> {
    await until(() => this.log.filter((one) => one === event).length >= times);
  }
}

/** Waits until `holds` does. */
export async function until(holds: () => boolean): Promise<void> {
  await eventually(holds, 'what the test waited for', 2);
}

/** A turn of the event loop or more, for what must not happen. */
export async function aWhile(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 30));
}

/** More bytes than the buffers of both sockets hold. */
export const LARGE = 8 * 1024 * 1024;

/** Bytes that differ from their neighbours. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 0xff;
  return bytes;
}

/** The ordinary sockets at the other end of wires. */
export interface WireEnds {
  /** Starts no listening by itself; `onPeer` hears of each connection that is made. */
  server(onPeer: (peer: net.Socket) => void): net.Server;
  connect(port: number): net.Socket;
  /** Ends a peer's connection with a reset. */
  reset(peer: net.Socket): void;
  /** A wire that was accepted tells when it is made, which one without a handshake does not. */
  readonly handshake: boolean;
}

const plainEnds: WireEnds = {
  server: (onPeer) => net.createServer({ allowHalfOpen: true }, onPeer),
  connect: (port) => net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }),
  reset: (peer) => void peer.resetAndDestroy(),
  handshake: false,
};

/** Makes wires with an ordinary socket at their other end, and takes all down afterwards. */
export class WireStage {
  readonly maker: WireMaker;
  readonly cleanups: (() => void)[] = [];
  readonly ends: WireEnds;

  constructor(maker: WireMaker, ends = plainEnds) {
    this.maker = maker;
    this.ends = ends;
  }

  clear(): void {
    for (const cleanup of this.cleanups.splice(0).reverse()) cleanup();
  }

  async listener(where: net.ListenOptions = { host: '127.0.0.1', port: 0 }) {
    const peers: net.Socket[] = [];
    const server = this.ends.server((socket) => {
      socket.on('error', () => {});
      peers.push(socket);
    });
    server.listen(where);
    await once(server, 'listening');
    this.cleanups.push(() => {
      for (const peer of peers) peer.destroy();
      server.close();
    });
    const address = server.address();
    const target: DialTarget =
      typeof address === 'string' ? { path: address } : { host: address!.address, port: address!.port };
    return { target, peers };
  }

  /** A wire that was dialled, and the ordinary socket at its other end. */
  async dialled(where?: net.ListenOptions) {
    const { target, peers } = await this.listener(where);
    const sink = new Recorder();
    const wire = this.maker.dial(target, '', sink);
    this.cleanups.push(() => {
      wire.sink = silentSink;
      wire.destroy();
    });
    await sink.has('connect');
    await until(() => peers.length === 1);
    return { wire, sink, peer: peers[0]! };
  }

  /** A wire over a handle that a listening socket accepted. */
  async accepted() {
    const server = net.createServer();
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const sink = new Recorder();
    const wires: Wire[] = [];
    const { port } = server.address() as net.AddressInfo;
    const close = this.accepting(server, (socket) => {
      const wire = this.maker.accepted(socket);
      wire.sink = sink;
      wires.push(wire);
    });
    const peer = this.ends.connect(port);
    peer.on('error', () => {});
    this.cleanups.push(() => {
      peer.destroy();
      wires[0]!.sink = silentSink;
      wires[0]!.destroy();
      close();
    });
    await until(() => wires.length === 1);
    if (this.ends.handshake) await sink.has('connect');
    sink.log.length = 0;
    return { wire: wires[0]!, sink, peer };
  }

  /** Has what a server accepts told as it is, before node:net wraps it. Returns how to end that. */
  protected accepting(server: net.Server, onSocket: (socket: object) => void): () => void {
    listeningHandle(server).onconnection = (_status, client) => onSocket(client!);
    return () => void server.close();
  }
}

/** The handle that a server listens with. */
export function listeningHandle(server: net.Server): ListeningHandle {
  return (server as unknown as { _handle: ListeningHandle })._handle;
}
