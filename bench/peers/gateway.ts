import { fileURLToPath } from 'node:url';
import type { Peer } from './peer.ts';

const SCRIPT = fileURLToPath(new URL('./fastify-gateway.ts', import.meta.url));

/** The gateway a Node team would write with fastify and @fastify/http-proxy; L7 only, one process, round-robin. */
export const gateway: Peer = {
  name: 'gateway',
  layers: ['l7'],
  version: [process.execPath, '-p', '"fastify " + require("fastify/package.json").version'],
  countsPicks: false,
  launch: (setup) => ({
    command: process.execPath,
    args: [...setup.nodeFlags, SCRIPT, String(setup.l7Port), ...setup.backends.map(({ port }) => String(port))],
    env: { NODE_ENV: 'production' },
    files: {},
  }),
};
