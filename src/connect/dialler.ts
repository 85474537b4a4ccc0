import type { DialTarget, Wire, WireSink } from '../support/wire.ts';
import { dial } from './dial.ts';

/** Where a connection is to go. */
export interface Destination {
  readonly to: DialTarget;
  /** The address to connect from, '' for any. */
  readonly local: string;
  /** The host of the backend as the config has it; undefined for a Unix socket. */
  readonly host: string | undefined;
}

/** How connections to the backends of a pool are made. */
export interface Dialler {
  /** Starts a connection; `sink.onConnect` or `sink.onClose` follows. The deadline is the caller's. */
  dial(destination: Destination, sink: WireSink): Wire;
}

/** Connections in the clear. */
export const plainDialler: Dialler = {
  dial: ({ to, local }, sink) => dial(to, local, sink),
};
