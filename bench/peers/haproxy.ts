import type { Peer, PeerSetup } from './peer.ts';

/** HAProxy with connections to the backends reused for every client (`http-reuse always`) and no log. */
export const haproxy: Peer = {
  name: 'haproxy',
  layers: ['l7', 'l4', 'l7-tls'],
  version: ['haproxy', '-v'],
  countsPicks: false,
  launch: (setup) => ({
    command: 'haproxy',
    args: ['-db', '-f', `${setup.directory}/haproxy.cfg`],
    env: {},
    files: { 'haproxy.cfg': haproxyConfig(setup) },
  }),
};

const FORWARDED = `
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  unique-id-format %{+X}o\\ %ci:%cp_%Ts_%rt
  unique-id-header X-Request-Id`;

/** HAProxy finds the key beside the certificate, under the same name. */
function tlsPort({ tls }: PeerSetup): string {
  return tls === undefined
    ? ''
    : `\n  bind 127.0.0.1:${tls.port} backlog 4096 ssl crt ${tls.cert} ssl-min-ver TLSv1.2 alpn h2,http/1.1`;
}

/** HAProxy's configuration for a setup. */
export function haproxyConfig(setup: PeerSetup): string {
  const balance = setup.balance === 'least-connections' ? 'leastconn' : 'roundrobin';
  const backends = setup.backends.map(({ name, port }) => `  server ${name} 127.0.0.1:${port} check`).join('\n');
  // HAProxy refuses to start when twice this and what it needs for itself is more than the limit of open files.
  const maxConnections = Math.floor(setup.maxFiles * 0.45);
  return `global
  nbthread ${setup.workers}
  maxconn ${maxConnections}
defaults
  maxconn ${maxConnections}
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
frontend l7
  mode http
  bind 127.0.0.1:${setup.l7Port} backlog 4096${tlsPort(setup)}${setup.forwarded ? FORWARDED : ''}
  default_backend apps7
backend apps7
  mode http
  balance ${balance}
  http-reuse always
${backends}
frontend l4
  mode tcp
  bind 127.0.0.1:${setup.l4Port} backlog 4096
  default_backend apps4
backend apps4
  mode tcp
  balance ${balance}
${backends}
`;
}
