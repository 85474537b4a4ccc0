/** `l7` balances HTTP requests, `l4` TCP connections. */
export type Layer = 'l7' | 'l4';

/** A way into a peer: `l7-tls` is `l7` with TLS to the clients, who may speak HTTP/2 there, `l4-udp` takes datagrams. */
export type Entry = Layer | 'l7-tls' | 'l4-udp';

/** A backend as a proxy's configuration names it. */
export interface BackendAddress {
  readonly name: string;
  readonly port: number;
}

/** What a proxy is to do; every peer gets the same. All addresses are on 127.0.0.1. */
export interface PeerSetup {
  /** An existing empty folder for configuration and temporary files. */
  readonly directory: string;
  readonly l7Port: number;
  readonly l4Port: number;
  /** Of UDP, for the peers that balance it. */
  readonly udpPort: number;
  /** Another L7 port, with TLS to the clients; left out for peers that are not asked for it. */
  readonly tls?: { readonly port: number; readonly cert: string; readonly key: string } | undefined;
  /** For the peers that have an admin address; free for the others. */
  readonly adminPort: number;
  readonly backends: readonly BackendAddress[];
  readonly balance: 'round-robin' | 'least-connections';
  /** Threads or processes that carry traffic. */
  readonly workers: number;
  /** How many files the proxy may open; it takes two for each connection. */
  readonly maxFiles: number;
  /** Whether a peer that does not by itself tell the backend about the client is configured to do so. */
  readonly forwarded: boolean;
  /** Flags for a peer that runs on Node, such as `--inspect=127.0.0.1:0`. */
  readonly nodeFlags: readonly string[];
}

/** How to start a proxy: a command line, and the files to write into the folder before. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** By file name, without a folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** Somebody who takes part: a proxy, or nobody at all in between. */
export interface Contestant {
  readonly name: string;
  readonly layers: readonly Entry[];
}

/** A proxy that takes part. `launch` only computes, so that a configuration can be read without starting anything. */
export interface Peer extends Contestant {
  /** A command that prints the version; when it cannot be run the peer is not installed. */
  readonly version: readonly [command: string, ...args: string[]];
  /** Whether its admin address serves Fairlead's metrics, with its own count of picks. */
  readonly countsPicks: boolean;
  /** A dashboard is open in a browser and metrics are scraped while it is measured: its own, or those of another of its kind that has nothing to do. */
  readonly watched?: 'itself' | 'another';
  launch(setup: PeerSetup): Launch;
}
