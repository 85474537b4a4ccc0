import type { Buffer } from 'node:buffer';
import { bindUdp } from '../support/open-udp.ts';
import type { UdpBind, UdpSink, UdpSource, UdpWire } from '../support/udp-wire.ts';
import type { UdpDoor, UdpFlow } from './udp-proxy.ts';

/** Who takes new clients. */
export interface UdpTaker {
  /** A flow for a client that has none; undefined when there is no place for it. */
  begin(door: UdpDoor, from: UdpSource): UdpFlow | undefined;
}

/**
 * One bound socket of a udp listener with the flows on it. It belongs to one worker: were it shared, the kernel would hand
 * flows to other workers whenever one comes or goes. When it is closed it stays bound until its last flow has ended, since
 * answers have to leave from it, and until then it can be opened again.
 */
export class UdpPort implements UdpDoor, UdpSink {
  /** The address it is bound to. */
  readonly host: string;
  #wire!: UdpWire;
  /** By the client's address, then port: nothing has to be put together to find one. */
  readonly #flows = new Map<string, Map<number, UdpFlow>>();
  readonly #siteNow: () => UdpTaker | undefined;
  #closing = false;
  #closed = false;

  private constructor(host: string, siteNow: () => UdpTaker | undefined) {
    this.host = host;
    this.#siteNow = siteNow;
  }

  /** Binds; `siteNow` tells whose datagrams of new clients are at the moment. Rejects with the system's error. */
  static async bind(to: UdpBind, siteNow: () => UdpTaker | undefined): Promise<UdpPort> {
    const opened = new UdpPort(to.host, siteNow);
    opened.#wire = await bindUdp(to, opened);
    return opened;
  }

  get port(): number {
    return this.#wire.localPort;
  }

  /** It has no flows. */
  get isIdle(): boolean {
    return this.#flows.size === 0;
  }

  /** It can not be opened again. */
  get isClosed(): boolean {
    return this.#closed;
  }

  onDatagram(datagram: Buffer, from: UdpSource): void {
    const flow = this.#flows.get(from.address)?.get(from.port) ?? this.#begin(from);
    flow?.fromClient(datagram);
  }

  /** What one datagram could not be sent for is told for each by itself, and is no reason to end anything. */
  onError(): void {}

  #begin(from: UdpSource): UdpFlow | undefined {
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

  answer(flow: UdpFlow, datagram: Buffer): boolean {
    return this.#wire.sendTo(datagram, flow.from);
  }

  forget({ from: { address, port } }: UdpFlow): void {
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

  /** Takes new clients again; false when it is closed already. */
  reopen(): boolean {
    this.#closing = false;
    return !this.#closed;
  }

  #closeWhenDone(): void {
    if (!this.#closing || this.#closed || this.#flows.size > 0) return;
    this.#closed = true;
    this.#wire.close();
  }
}
