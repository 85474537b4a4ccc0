import type { Writable } from 'node:stream';
import type { Reloaded } from '../admin/config-schema.ts';
import type { AdminSource } from '../admin/source.ts';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../observe/log.ts';
import type { Transition } from './health-keeper.ts';

/** What an instance is started with. */
export interface StartOptions {
  readonly config: Config;
  /** Where the config came from; null when it is not from a file. */
  readonly configPath: string | null;
  readonly logger: Logger;
  /** Where the access log goes; standard output unless said otherwise. */
  readonly accessStream?: Writable;
  /** Loads the config again from where it came from and brings it into force; undefined where that cannot be done. */
  readonly loadAgain?: () => Promise<Reloaded>;
  /** Told of every change of a backend's health. */
  readonly onTransition?: (transition: Transition) => void;
}

/** A listener that is open. */
export interface OpenListener {
  readonly name: string;
  readonly protocol: 'http' | 'tcp' | 'udp';
  /** True where clients are to speak TLS. */
  readonly tls: boolean;
  /** Its addresses with the real ports. */
  readonly addresses: readonly string[];
}

/** A running instance. */
export interface Running {
  readonly listeners: readonly OpenListener[];
  readonly adminAddresses: readonly string[];
  /** Number of the config in force; 1 at the start. */
  readonly generation: number;
  readonly workerCount: number;
  /** What it has to show, as of the moment of each call. */
  readonly source: AdminSource;
  /**
   * Brings another config into force, or rejects and leaves everything as it is. One at a time; more wait their
   * turn. Resolves to what had been changed at run time and holds no longer.
   */
  reload(config: Config): Promise<readonly string[]>;
  /** Notes that a config was refused for these problems before it came here, for the metrics and those who listen. */
  reloadRejected(problems: readonly string[]): void;
  /** Stops accepting and waits for what is under way; true when all of it ended within the config's grace. */
  drain(): Promise<boolean>;
  /** Ends everything at once. */
  close(): Promise<void>;
  /** Kills one worker as a crash would, to see that it is replaced. */
  crashWorker(lane: number): Promise<void>;
}
