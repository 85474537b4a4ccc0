import type { Buffer } from 'node:buffer';
import type dgram from 'node:dgram';
import { bindUdp, MOST_QUEUED_BYTES } from '../accept/udp-socket.ts';
import type { UdpDoor, UdpFlow, UdpSource } from './udp-proxy.ts';

/** Who takes new clients. */
export interface UdpTaker {
  /** A flow for a client that has none; undefined when there is no place for it. */
  begin(door: UdpDoor, from: UdpSource): UdpFlow | undefined;
}

/**
 * One bound socket of a udp listener with the flows on it. It belongs to one worker: were it shared, the kernel would hand
 * flows to other workers whenever one comes or goes. When it is closed it stays bound until its last flow has ended, since
 * answers have to leave from it.
 */
export class UdpPort implements UdpDoor {
  readonly port: number;
  readonly #socket: dgram.Socket;
  /** By the client's address, then port: nothing has to be put together to find one. */
  readonly #flows = new Map<string, Map<number, UdpFlow>>();
  readonly #siteNow: () => UdpTaker | undefined;
  #closing = false;

  private constructor(socket: dgram.Socket, siteNow: () => UdpTaker | undefined) {
    this.#socket = socket;
    this.#siteNow = siteNow;
    this.port = socket.address().port;
    socket.on('message', (datagram, from) => this.#received(datagram, from));
  }

  /** Binds; `siteNow` tells whose datagrams of new clients are at the moment. Rejects with the system's error. */
  static async bind(host: string, port: number, siteNow: () => UdpTaker | undefined): Promise<UdpPort> {
    return new UdpPort(await bindUdp(host, port), siteNow);
  }

  #received(datagram: Buffer, from: dgram.RemoteInfo): void {
    const flow = this.#flows.get(from.address)?.get(from.port) ?? this.#begin(from);
    flow?.fromClient(datagram);
  }

  #begin(from: dgram.RemoteInfo): UdpFlow | undefined {
    const flow = this.#closing ? undefined : this.#siteNow()?.begin(this, from);
    if (flow === undefined) return undefined;
    let ports = this.#flows.get(from.address);
    if (ports === undefined) {
      ports = new Map();
      this.#flows.set(from.address, ports);
    }
    ports.set(from.port, flow);
    return flow;
  }

  answer({ address, port }: UdpFlow, datagram: Buffer, onFull: () => void): void {
    if (this.#socket.getSendQueueSize() > MOST_QUEUED_BYTES) return onFull();
    this.#socket.send(datagram, port, address);
  }

  forget({ address, port }: UdpFlow): void {
    const ports = this.#flows.get(address);
    ports?.delete(port);
    if (ports?.size === 0) this.#flows.delete(address);
    this.#closeWhenDone();
  }

  /** Takes no new clients, and closes once those that there are have ended. */
  close(): void {
    this.#closing = true;
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (!this.#closing || this.#flows.size > 0) return;
    this.#closing = false;
    this.#socket.close();
  }
}
