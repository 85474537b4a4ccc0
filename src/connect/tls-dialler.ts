import type { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import { type HandshakeWatch, heardFrom } from '../support/handshake-watch.ts';
import { type ConnectTlsPlan, clientContext, nameProblem, serverNameOf } from '../support/tls-client.ts';
import { TLS_FAILED, tlsCause } from '../support/tls-failure.ts';
import type { TlsInternals } from '../support/tls-handle.ts';
import { TlsWire } from '../support/tls-wire.ts';
import type { Wire, WireSink } from '../support/wire.ts';
import type { Destination, Dialler } from './dialler.ts';

/** Hears of the first failure of its kind at a backend: `name` is the name it should have, `cause` speaks of it. */
export type OnTlsFailure = (name: string, cause: string) => void;

/** Sessions and failures are kept for so many addresses, the latest ones: names that resolve anew bring new addresses. */
const MOST_ADDRESSES = 4096;

/** Connections over TLS: verified as the plan says, with one session kept for each address, so that the next one is cheaper. */
export class TlsDialler implements Dialler {
  readonly plan: ConnectTlsPlan;
  readonly #onFailure: OnTlsFailure;
  readonly #alpn: Uint8Array | undefined;
  readonly #sessions = new Map<string, Buffer>();
  readonly #causes = new Map<string, string>();

  /** `alpn` has the protocols that backends are offered, each behind its length. */
  constructor(plan: ConnectTlsPlan, onFailure: OnTlsFailure, alpn?: Uint8Array) {
    this.plan = plan;
    this.#alpn = alpn;
    this.#onFailure = onFailure;
  }

  dial({ to, local, host, opening }: Destination, sink: WireSink): Wire {
    const { plan } = this;
    const pipe = 'path' in to;
    const name = serverNameOf(plan, host);
    const address = pipe ? to.path : `${to.host} ${to.port}`;
    const secureContext = clientContext(plan);
    const wire = new TlsWire({
      isServer: false,
      secureContext,
      pipe,
      requestCert: true,
      rejectUnauthorized: plan.verify,
      ALPNProtocols: this.#alpn,
    });
    const handshake = new ClientHandshake(wire, sink, { dialler: this, name, key: `${name} ${address}` });
    wire.sink = handshake;
    if (opening !== undefined) wire.opening = opening.toString('latin1');
    wire.prepare({
      serverName: isIP(name) === 0 ? name : undefined,
      session: this.#sessions.get(handshake.key),
      onSession: (session) => handshake.onSession(session),
    });
    if (pipe) wire.connect({ path: to.path });
    else wire.connect({ host: to.host, port: to.port, ...(local === '' ? {} : { localAddress: local }) });
    return wire;
  }

  /** Keeps a session for the next connection. */
  keepSession(key: string, session: Buffer): void {
    putCapped(this.#sessions, key, session);
  }

  /** A handshake is done, and stands. */
  succeeded(key: string): void {
    this.#causes.delete(key);
  }

  /** A handshake has failed: its session is of no use, and the cause is told unless it is the same as before. */
  failed(key: string, name: string, cause: string): void {
    this.#sessions.delete(key);
    if (this.#causes.get(key) === cause) return;
    putCapped(this.#causes, key, cause);
    this.#onFailure(name, cause);
  }
}

function putCapped<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > MOST_ADDRESSES) map.delete(map.keys().next().value!);
}

/** Stands in for the sink of a wire until its handshake is done and the backend has shown who it is. */
class ClientHandshake implements WireSink, HandshakeWatch {
  readonly key: string;
  readonly #wire: TlsWire;
  readonly #sink: WireSink;
  readonly #dialler: TlsDialler;
  readonly #name: string;
  /** A session that came before it was known whether to trust the backend. */
  #session: Buffer | undefined;
  #trusted = false;

  constructor(wire: TlsWire, sink: WireSink, about: { dialler: TlsDialler; name: string; key: string }) {
    this.#wire = wire;
    this.#sink = sink;
    this.#dialler = about.dialler;
    this.#name = about.name;
    this.key = about.key;
  }

  onSession(session: Buffer): void {
    if (this.#trusted) this.#dialler.keepSession(this.key, session);
    else this.#session = session;
    heardFrom(this.#wire);
  }

  onConnect(): void {
    const problem = this.#dialler.plan.verify ? this.#problem() : undefined;
    if (problem !== undefined) {
      this.#wire.destroy(problem);
      return;
    }
    this.#trusted = true;
    if (this.#session !== undefined) this.#dialler.keepSession(this.key, this.#session);
    if (this.#wire.getProtocol() === 'TLSv1.3') this.#wire.watch = this;
    else this.onHeard();
    this.#wire.sink = this.#sink;
    this.#sink.onConnect();
  }

  onHeard(): void {
    this.#dialler.succeeded(this.key);
  }

  onRefused(refusal: NodeJS.ErrnoException): NodeJS.ErrnoException {
    return this.#failed(refusal);
  }

  /** OpenSSL only notes what is wrong with the chain. A session that goes on was made with a backend whose name was right. */
  #problem(): Error | undefined {
    const { _handle: handle } = this.#wire as unknown as TlsInternals;
    const chain = handle!.verifyError();
    if (chain) return chain;
    return this.#wire.isSessionReused() ? undefined : nameProblem(this.#name, this.#wire.getPeerCertificate());
  }

  /** Not to be reached at all is one thing, not to come to TLS another. */
  onClose(error: NodeJS.ErrnoException | undefined): void {
    if (error?.syscall === 'connect' || error?.syscall === 'bind') return this.#sink.onClose(error);
    this.#sink.onClose(this.#failed(error));
  }

  #failed(error: NodeJS.ErrnoException | undefined): NodeJS.ErrnoException {
    const cause = tlsCause(error, this.#name);
    this.#dialler.failed(this.key, this.#name, cause);
    return Object.assign(new Error(cause), { code: TLS_FAILED });
  }

  onBytes(): boolean {
    return false;
  }
  onEnd(): void {}
  onDrain(): void {}
}
