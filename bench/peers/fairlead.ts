import { FAIRLEAD_MAIN } from '../lib/fairlead.ts';
import type { Peer, PeerSetup } from './peer.ts';

/** Fairlead with one pool behind a listener of each protocol; health checks, admin address and metrics stay on. */
export const fairlead = fairleadPeer('fairlead', '');

/** The same without io_uring, as where that cannot be had. */
export const fairleadHandles = fairleadPeer('fairlead-handles', 'ioUring: false\n');

function fairleadPeer(name: string, more: string): Peer {
  return {
    name,
    layers: ['l7', 'l4', 'l7-tls', 'l4-udp'],
    version: [
      process.execPath,
      '-p',
      `"Fairlead on Node " + process.version + "${more === '' ? '' : ', ioUring: false'}"`,
    ],
    countsPicks: true,
    launch: (setup) => ({
      command: process.execPath,
      args: [...setup.nodeFlags, FAIRLEAD_MAIN, 'run', `${setup.directory}/fairlead.yaml`],
      env: {},
      files: { 'fairlead.yaml': more + fairleadConfig(setup) },
    }),
  };
}

function tlsListener({ tls }: PeerSetup): string {
  if (tls === undefined) return '';
  return `  l7-tls:
    protocol: http
    bind: "127.0.0.1:${tls.port}"
    tls: { cert: "${tls.cert}", key: "${tls.key}" }
    timeouts: { idle: 1h }
    limits: { connections: 20000 }
    pool: apps
`;
}

/** Fairlead's configuration for a setup. It always writes X-Forwarded-* and X-Request-Id. */
export function fairleadConfig(setup: PeerSetup): string {
  return `workers: ${setup.workers}
watch: false
admin: { bind: "127.0.0.1:${setup.adminPort}" }
log: { level: warn, access: false }
limits: { connections: 40000 }
listeners:
  l7:
    protocol: http
    bind: "127.0.0.1:${setup.l7Port}"
    timeouts: { idle: 1h }
    limits: { connections: 20000 }
    pool: apps
${tlsListener(setup)}  l4:
    protocol: tcp
    bind: "127.0.0.1:${setup.l4Port}"
    timeouts: { idle: 1h }
    limits: { connections: 20000 }
    pool: apps
  l4-udp:
    protocol: udp
    bind: "127.0.0.1:${setup.udpPort}"
    pool: apps
pools:
  apps:
    balance: ${setup.balance}
    backends:
${setup.backends.map(({ name, port }) => `      - { name: ${name}, address: "127.0.0.1:${port}" }`).join('\n')}
`;
}
