import { fileURLToPath } from 'node:url';
import type { Peer } from '../peers/peer.ts';

const SCRIPT = fileURLToPath(new URL('./bare-relay.ts', import.meta.url));

/** A relay that does nothing else, on the handles that Fairlead uses too: what Node costs before a balancer does anything. */
export const bare: Peer = {
  name: 'bare',
  layers: ['l4', 'l4-udp'],
  version: [process.execPath, '-p', '"a bare relay on Node " + process.version'],
  countsPicks: false,
  launch: ({ nodeFlags, l4Port, udpPort, backends }) => ({
    command: process.execPath,
    args: [...nodeFlags, SCRIPT, ...[l4Port, udpPort, ...backends.map(({ port }) => port)].map(String)],
    env: {},
    files: {},
  }),
};
