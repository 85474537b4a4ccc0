import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configuredFiles } from '../lib/file-limit.ts';
import { freePorts, portsReady } from '../lib/ports.ts';
import { type ProcessGroup, type RunningProcess, searchPath } from '../lib/processes.ts';
import { caddy } from './caddy.ts';
import { fairlead, fairleadHandles } from './fairlead.ts';
import { gateway } from './gateway.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import type { Peer, PeerSetup } from './peer.ts';

/** Every proxy the benchmarks know, by name. The first one is what the others are compared with. */
export const peers: Readonly<Record<string, Peer>> = {
  fairlead,
  [fairleadHandles.name]: fairleadHandles,
  nginx,
  haproxy,
  caddy,
  gateway,
};

/** A started proxy, ready for traffic. */
export interface RunningPeer {
  readonly peer: Peer;
  readonly process: RunningProcess;
  readonly l7Port: number;
  readonly l4Port: number;
  /** Of UDP; nobody listens there for a peer that does not balance it. */
  readonly udpPort: number;
  /** 0 when the peer has none. */
  readonly tlsPort: number;
  readonly adminPort: number;
}

/** What the caller decides about a setup; the rest is picked. */
export type PeerOptions = Omit<
  PeerSetup,
  'directory' | 'l7Port' | 'l4Port' | 'udpPort' | 'tls' | 'adminPort' | 'maxFiles'
> & {
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
  const [l7Port, l4Port, udpPort, adminPort, tlsPort] = (await freePorts(5)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const directory = group.directory();
  const tls = peer.layers.includes('l7-tls') ? { port: tlsPort, ...makeCertificate(directory) } : undefined;
  const launch = peer.launch({
    ...options,
    directory,
    l7Port,
    l4Port,
    udpPort,
    tls,
    adminPort,
    maxFiles: configuredFiles(),
  });
  for (const [name, text] of Object.entries(launch.files)) writeFileSync(join(directory, name), text);
  const { command, args, env } = launch;
  const running = await group.start({ name: peer.name, command, args, env, core: options.core });
  // A peer opens its UDP port with the others, and a look whether it is open would be a flow.
  const ports = { l7: [l7Port], l4: [l4Port], 'l7-tls': [tlsPort], 'l4-udp': [] };
  await portsReady(
    running,
    peer.layers.flatMap((layer) => ports[layer]),
  );
  return { peer, process: running, l7Port, l4Port, udpPort, tlsPort: tls?.port ?? 0, adminPort };
}

/** A certificate for this machine and its key, as files that every peer reads: P-256, what most sites have today. */
function makeCertificate(directory: string): { cert: string; key: string } {
  const [cert, key] = [join(directory, 'local.pem'), join(directory, 'local.pem.key')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    ...kind,
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-keyout',
    key,
    '-out',
    cert,
  ]);
  if (made.status !== 0) throw new Error(`openssl could not make a certificate: ${made.stderr ?? made.error}`);
  return { cert, key };
}
