import type { MortalBackend } from './backends.ts';

/** Where the listeners and the admin address of the soak are. */
export interface SoakPorts {
  readonly http: number;
  readonly tcp: number;
  readonly udp: number;
  readonly admin: number;
}

/** How long connections and flows without use are kept, in ms: short, so that rest is rest. */
export const KEPT_MS = 3000;

const ALGORITHMS = ['round-robin', 'least-connections', 'p2c', 'random'] as const;

/** The config of one round: each has other weights, another algorithm, every second one a listener and a route more, and every fourth goes without io_uring. */
export function soakConfig(ports: SoakPorts, backends: readonly MortalBackend[], round: number): string {
  const balance = ALGORITHMS[round % ALGORITHMS.length];
  const weight = (i: number) => 1 + ((round + i) % 3);
  const list = (port: (backend: MortalBackend) => number) =>
    backends.map((backend, i) => `      - { address: "127.0.0.1:${port(backend)}", weight: ${weight(i)} }`).join('\n');
  const more = round % 2 === 0 ? '' : '  extra: { protocol: tcp, bind: "127.0.0.1:0", pool: echo }\n';
  const route = round % 2 === 0 ? '' : '      - { match: { path: /no/* }, respond: { status: 404 } }\n';
  return `workers: 2
ioUring: ${round % 4 === 3 ? 'false' : 'auto'}
watch: false
admin: { bind: "127.0.0.1:${ports.admin}" }
log: { level: error }
listeners:
  http:
    protocol: http
    bind: "127.0.0.1:${ports.http}"
    timeouts: { idle: ${KEPT_MS}ms }
    routes:
${route}      - pool: web
  tcp: { protocol: tcp, bind: "127.0.0.1:${ports.tcp}", timeouts: { idle: 10s, halfClose: 10s }, pool: echo }
  udp: { protocol: udp, bind: "127.0.0.1:${ports.udp}", timeouts: { idle: ${KEPT_MS}ms }, pool: echo }
${more}pools:
  web:
    balance: ${balance}
    health: { interval: 500ms, rise: 1, fall: 2 }
    keepAlive: { idle: ${KEPT_MS}ms }
    backends:
${list(({ httpPort }) => httpPort)}
  echo:
    balance: ${balance}
    health: { interval: 500ms, rise: 1, fall: 2 }
    backends:
${list(({ echoPort }) => echoPort)}
`;
}
