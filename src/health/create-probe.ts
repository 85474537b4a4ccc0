import type { LookupFunction } from 'node:net';
import type { Clock } from '../support/clock.ts';
import { GrpcProbe } from './grpc-probe.ts';
import { HttpProbe } from './http-probe.ts';
import type { ActivePolicy, ProbeConnect } from './policy.ts';
import type { Probe } from './probe.ts';
import { TcpProbe } from './tcp-probe.ts';
import { UdpProbe } from './udp-probe.ts';

/** What the probes need from outside. */
export interface ProbeDeps {
  readonly clock: Clock;
  /** Names to addresses; see `lookupThrough`. */
  readonly lookup: LookupFunction;
  /** Fairlead's version, for the User-Agent. */
  readonly version: string;
}

/** The probe that a policy asks for, over connections that begin as `connect` says. */
export function createProbe(policy: ActivePolicy, deps: ProbeDeps, connect: ProbeConnect = {}): Probe {
  const parts = { ...deps, ...connect };
  switch (policy.type) {
    case 'tcp':
      return new TcpProbe(parts);
    case 'http':
      return new HttpProbe(policy, parts);
    case 'grpc':
      return new GrpcProbe(parts);
    case 'udp':
      return new UdpProbe(policy, parts);
  }
}
