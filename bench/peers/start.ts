import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configuredFiles } from '../lib/file-limit.ts';
import { freePorts, portsReady } from '../lib/ports.ts';
import { type ProcessGroup, type RunningProcess, searchPath } from '../lib/processes.ts';
import { caddy } from './caddy.ts';
import { fairlead } from './fairlead.ts';
import { gateway } from './gateway.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import type { Peer, PeerSetup } from './peer.ts';

/** Every proxy the benchmarks know, by name. The first one is what the others are compared with. */
export const peers: Readonly<Record<string, Peer>> = { fairlead, nginx, haproxy, caddy, gateway };

/** A started proxy, ready for traffic. */
export interface RunningPeer {
  readonly peer: Peer;
  readonly process: RunningProcess;
  readonly l7Port: number;
  readonly l4Port: number;
  readonly adminPort: number;
}

/** What the caller decides about a setup; the rest is picked. */
export type PeerOptions = Omit<PeerSetup, 'directory' | 'l7Port' | 'l4Port' | 'adminPort' | 'maxFiles'> & {
  readonly core?: number | undefined;
};

/** The version line a peer prints, or undefined when it is not installed. */
export function peerVersion(peer: Peer): string | undefined {
  const [command, ...args] = peer.version;
  const ran = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: searchPath() } });
  if (ran.error !== undefined || ran.status !== 0) return undefined;
  return (ran.stdout + ran.stderr).trim().split('\n')[0]!;
}

/** Starts a proxy on free ports and resolves when its listeners accept; rejects with its output when it fails to. */
export async function startPeer(group: ProcessGroup, peer: Peer, options: PeerOptions): Promise<RunningPeer> {
  const [l7Port, l4Port, adminPort] = (await freePorts(3)) as [number, number, number];
  const directory = group.directory();
  const launch = peer.launch({ ...options, directory, l7Port, l4Port, adminPort, maxFiles: configuredFiles() });
  for (const [name, text] of Object.entries(launch.files)) writeFileSync(join(directory, name), text);
  const { command, args, env } = launch;
  const running = await group.start({ name: peer.name, command, args, env, core: options.core });
  await portsReady(running, peer.layers.includes('l4') ? [l7Port, l4Port] : [l7Port]);
  return { peer, process: running, l7Port, l4Port, adminPort };
}
