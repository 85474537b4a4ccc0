import type { Buffer } from 'node:buffer';
import { udp } from '../support/open-udp.ts';
import type { UdpBind, UdpSink, UdpSource, UdpWire } from '../support/udp-wire.ts';
import type { UdpDoor, UdpFlow } from './udp-proxy.ts';

/** Who takes new clients. */
export interface UdpTaker {
  /** A flow for a client that has none; undefined when there is no place for it. */
  begin(door: UdpDoor, from: UdpSource): UdpFlow | undefined;
}

/** Whose a port is. */
export interface UdpPortOwner {
  /** The flow of a client that has none at a port: a new one, or one that it has at another port and is to go on here. */
  flowFor(port: UdpPort, from: UdpSource): UdpFlow | undefined;
  /** A port's last flow has ended; it may be closed now. */
  onIdle(port: UdpPort): void;
}

/**
 * A bound UDP socket with the flows on it, which may be of several listeners, one after the other. It belongs to one worker:
 * were it shared, the kernel would hand flows to other workers whenever one comes or goes. Answers have to leave from it, so
 * that it stays bound until its last flow has ended.
 */
export class UdpPort implements UdpDoor, UdpSink {
  /** The address it is bound to. */
  readonly host: string;
  readonly #boundAt = performance.now();
  readonly #owner: UdpPortOwner;
  #wire!: UdpWire;
  #port = 0;
  /** By the client's address, then port: nothing has to be put together to find one. */
  readonly #flows = new Map<string, Map<number, UdpFlow>>();

  private constructor(host: string, owner: UdpPortOwner) {
    this.host = host;
    this.#owner = owner;
  }

  /** Binds. Rejects with the system's error. */
  static async bind(to: UdpBind, owner: UdpPortOwner): Promise<UdpPort> {
    const bound = new UdpPort(to.host, owner);
    bound.#wire = await udp.bind(to, bound);
    bound.#port = bound.#wire.localPort;
    return bound;
  }

  get port(): number {
    return this.#port;
  }

  /** It has no flows. */
  get isIdle(): boolean {
    return this.#flows.size === 0;
  }

  onDatagram(datagram: Buffer, from: UdpSource): void {
    const flow = this.#flows.get(from.address)?.get(from.port) ?? this.#begin(from);
    flow?.fromClient(datagram);
  }

  /** What one datagram could not be sent for is told for each by itself, and is no reason to end anything. */
  onError(): void {}

  #begin(from: UdpSource): UdpFlow | undefined {
    const flow = this.#owner.flowFor(this, from);
    if (flow === undefined) return undefined;
    let ports = this.#flows.get(from.address);
    if (ports === undefined) {
      ports = new Map();
      this.#flows.set(from.address, ports);
    }
    ports.set(from.port, flow);
    return flow;
  }

  /** Takes over the flow that a client of `from`, as the other port knows it, has begun there before this port was bound. */
  takeOver(other: UdpPort, known: UdpSource, from: UdpSource): UdpFlow | undefined {
    const flow = other.#flows.get(known.address)?.get(known.port);
    if (flow === undefined || flow.startedAt > this.#boundAt) return undefined;
    flow.moveTo(this, from);
    other.forget({ from: known });
    return flow;
  }

  answer(flow: UdpFlow, datagram: Buffer): boolean {
    return this.#wire.sendTo(datagram, flow.from);
  }

  forget({ from: { address, port } }: Pick<UdpFlow, 'from'>): void {
    const ports = this.#flows.get(address);
    ports?.delete(port);
    if (ports?.size === 0) this.#flows.delete(address);
    if (this.isIdle) this.#owner.onIdle(this);
  }

  /** Lets go of the port. There may be no flows. */
  close(): void {
    this.#wire.close();
  }
}
