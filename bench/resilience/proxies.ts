import { FAIRLEAD_MAIN } from '../lib/fairlead.ts';
import type { Launch } from '../peers/peer.ts';

/** What a proxy of a run is to do. */
export interface ProxySetup {
  readonly directory: string;
  readonly port: number;
  readonly backends: readonly number[];
}

/** A proxy that takes part. */
export interface Contender {
  readonly name: string;
  readonly version: readonly [command: string, ...args: string[]];
  launch(setup: ProxySetup): Launch;
}

/** Fairlead as it is by default. */
const fairlead: Contender = {
  name: 'fairlead',
  version: [process.execPath, '-p', '"Fairlead on Node " + process.version'],
  launch: ({ directory, port, backends }) => ({
    command: process.execPath,
    args: [FAIRLEAD_MAIN, 'run', `${directory}/fairlead.yaml`],
    env: {},
    files: {
      'fairlead.yaml': `workers: 1
watch: false
admin: false
log: { level: warn }
listeners:
  web: { protocol: http, bind: "127.0.0.1:${port}", pool: apps }
pools:
  apps: { backends: [${backends.map((backend) => `"127.0.0.1:${backend}"`).join(', ')}] }
`,
    },
  }),
};

/** HAProxy as its own guides have it: checks, redispatch, and the usual times. */
const haproxy: Contender = {
  name: 'haproxy',
  version: ['haproxy', '-v'],
  launch: ({ directory, port, backends }) => ({
    command: 'haproxy',
    args: ['-db', '-f', `${directory}/haproxy.cfg`],
    env: {},
    files: {
      'haproxy.cfg': `global
  nbthread 1
  maxconn 8000
defaults
  mode http
  retries 3
  option redispatch
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend web
  bind 127.0.0.1:${port}
  default_backend apps
backend apps
  balance roundrobin
${backends.map((backend, i) => `  server app${i + 1} 127.0.0.1:${backend} check`).join('\n')}
`,
    },
  }),
};

/** nginx as its own guides have it: an upstream with kept connections, everything else as it is by default. */
const nginx: Contender = {
  name: 'nginx',
  version: ['nginx', '-v'],
  launch: ({ directory, port, backends }) => ({
    command: 'nginx',
    args: ['-p', directory, '-c', `${directory}/nginx.conf`, '-e', `${directory}/error.log`],
    env: {},
    files: {
      'nginx.conf': `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log crit;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  upstream apps { ${backends.map((backend) => `server 127.0.0.1:${backend};`).join(' ')} keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://apps;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`,
    },
  }),
};

/** Every proxy of the runs; the first one is what the others are compared with. */
export const proxies: readonly Contender[] = [fairlead, haproxy, nginx];
