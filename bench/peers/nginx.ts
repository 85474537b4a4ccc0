import type { Peer, PeerSetup } from './peer.ts';

/** nginx with keep-alive to the backends and no access log. The stream module is loaded where Debian keeps it. */
export const nginx: Peer = {
  name: 'nginx',
  layers: ['l7', 'l4', 'l7-tls', 'l4-udp'],
  version: ['nginx', '-v'],
  countsPicks: false,
  launch: (setup) => ({
    command: 'nginx',
    args: ['-p', setup.directory, '-c', `${setup.directory}/nginx.conf`, '-e', `${setup.directory}/error.log`],
    env: {},
    files: { 'nginx.conf': nginxConfig(setup) },
  }),
};

const FORWARDED = `
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Request-Id $request_id;`;

function tlsPort({ tls }: PeerSetup): string {
  if (tls === undefined) return '';
  return `
    listen 127.0.0.1:${tls.port} ssl http2 backlog=4096;
    ssl_certificate ${tls.cert};
    ssl_certificate_key ${tls.key};
    ssl_protocols TLSv1.2 TLSv1.3;`;
}

/** nginx's configuration for a setup. Its limits on requests per connection are lifted, as are the others'. */
export function nginxConfig(setup: PeerSetup): string {
  const balance = setup.balance === 'least-connections' ? 'least_conn; ' : '';
  const backends = setup.backends.map(({ port }) => `server 127.0.0.1:${port};`).join(' ');
  return `daemon off;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes ${setup.workers};
worker_rlimit_nofile ${setup.maxFiles};
pid ${setup.directory}/nginx.pid;
error_log ${setup.directory}/error.log error;
events { worker_connections ${Math.floor(setup.maxFiles * 0.95)}; }
http {
  access_log off;
  client_body_temp_path ${setup.directory}/body;
  proxy_temp_path ${setup.directory}/proxy;
  fastcgi_temp_path ${setup.directory}/fastcgi;
  uwsgi_temp_path ${setup.directory}/uwsgi;
  scgi_temp_path ${setup.directory}/scgi;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  upstream apps { zone apps 64k; ${balance}${backends} keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${setup.l7Port} backlog=4096;${tlsPort(setup)}
    location / {
      proxy_pass http://apps;
      proxy_http_version 1.1;
      proxy_set_header Connection "";${setup.forwarded ? FORWARDED : ''}
    }
  }
}
stream {
  upstream apps { zone apps4 64k; ${balance}${backends} }
  server { listen 127.0.0.1:${setup.l4Port} backlog=4096; proxy_pass apps; proxy_timeout 3600s; }
  server { listen 127.0.0.1:${setup.udpPort} udp; proxy_pass apps; proxy_timeout 30s; }
}
`;
}
