import type { Peer, PeerSetup } from './peer.ts';

/** Caddy on as many threads of Go code as workers; L7 only. It always writes X-Forwarded-*. */
export const caddy: Peer = {
  name: 'caddy',
  layers: ['l7'],
  version: ['caddy', 'version'],
  countsPicks: false,
  launch: (setup) => ({
    command: 'caddy',
    args: ['run', '--config', `${setup.directory}/Caddyfile`, '--adapter', 'caddyfile'],
    env: {
      GOMAXPROCS: String(setup.workers),
      HOME: setup.directory,
      XDG_DATA_HOME: setup.directory,
      XDG_CONFIG_HOME: setup.directory,
    },
    files: { Caddyfile: caddyConfig(setup) },
  }),
};

/** Caddy's configuration for a setup. */
export function caddyConfig(setup: PeerSetup): string {
  return `{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
http://127.0.0.1:${setup.l7Port} {
  bind 127.0.0.1
  reverse_proxy ${setup.backends.map(({ port }) => `127.0.0.1:${port}`).join(' ')} {
    lb_policy ${setup.balance === 'least-connections' ? 'least_conn' : 'round_robin'}
${setup.forwarded ? '    header_up X-Request-Id {http.request.uuid}\n' : ''}    transport http {
      keepalive 1h
      keepalive_idle_conns_per_host 256
    }
  }
}
`;
}
