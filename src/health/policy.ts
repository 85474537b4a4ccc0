import type { Address } from '../support/address.ts';
import type { Ends } from '../support/proxied.ts';
import type { ConnectTlsPlan } from '../support/tls-client.ts';
import type { HealthLimits } from './health-state.ts';

interface ProbePolicy extends HealthLimits {
  /** Milliseconds between the starts of two probes. */
  readonly interval: number;
  /** Milliseconds one probe may take. */
  readonly timeout: number;
  /** The port to probe; 0 is the backend's own. */
  readonly port: number;
}

/** A backend is well when it accepts a connection. */
export interface TcpPolicy extends ProbePolicy {
  readonly type: 'tcp';
}

/** A backend is well when it answers a GET as expected. */
export interface HttpPolicy extends ProbePolicy {
  readonly type: 'http';
  /** The request target, `/healthz?full=1`. */
  readonly path: string;
  /** Inclusive ranges of good status codes. */
  readonly status: readonly (readonly [number, number])[];
  /** Text that the body must contain, or `~` and a regular expression that it must match; '' for any body. */
  readonly body: string;
}

/** A backend is well when its gRPC health service says so. */
export interface GrpcPolicy extends ProbePolicy {
  readonly type: 'grpc';
}

/** A backend is well when it answers a datagram as expected. */
export interface UdpPolicy extends ProbePolicy {
  readonly type: 'udp';
  /** The datagram to send, one character a byte. */
  readonly send: string;
  /** What the answer must contain, one character a byte, or `~` and a regular expression that it must match; '' for any. */
  readonly expect: string;
}

/** A policy that probes. */
export type ActivePolicy = TcpPolicy | HttpPolicy | GrpcPolicy | UdpPolicy;

/** A pool's `health` as the config holds it after defaults, but for the agents, which are not probes. */
export type HealthPolicy = ActivePolicy | { readonly type: 'off' };

/** How the connections of probes begin, and where. */
export interface ProbeConnect {
  /** How the backend is spoken to over TLS; undefined for probes in the clear. */
  readonly tls?: ConnectTlsPlan | undefined;
  /** Gives the bytes that come before everything else, TLS included, by the ends of the connection; undefined for none. */
  readonly opening?: ((ends: Ends | undefined) => Uint8Array) | undefined;
  /** The address of this machine that they come from; '' or undefined for any. */
  readonly local?: string | undefined;
}

/** One backend to keep an eye on. */
export interface HealthTarget extends ProbeConnect {
  /** Unique: made of the pool and the backend, since two pools may check one address in different ways. */
  readonly key: string;
  readonly address: Address;
  readonly policy: HealthPolicy;
}
