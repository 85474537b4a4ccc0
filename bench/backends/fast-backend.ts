import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configuredFiles } from '../lib/file-limit.ts';
import { freePorts, portsReady } from '../lib/ports.ts';
import type { ProcessGroup, RunningProcess } from '../lib/processes.ts';

/** The backend of the peer and memory runs: one nginx worker that is cheaper than any proxy before it. */
export interface FastBackend {
  readonly process: RunningProcess;
  /** Ports that all lead to the same worker, so that a balancer has several backends to choose from. */
  readonly ports: readonly number[];
}

/** The path of the big file, and its size in bytes. The file is sparse: nginx sends it by sendfile(2). */
export const BULK_PATH = '/bulk';
export const BULK_BYTES = 64 * 1024 * 1024;

/** nginx's configuration: a small fixed answer on every path, and the big file. Connections stay open for an hour. */
export function fastBackendConfig(directory: string, ports: readonly number[], maxFiles: number): string {
  return `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
worker_rlimit_nofile ${maxFiles};
pid ${directory}/nginx.pid;
error_log ${directory}/error.log error;
events { worker_connections ${Math.floor(maxFiles * 0.95)}; }
http {
  access_log off;
  sendfile on;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  server {
${ports.map((port) => `    listen 127.0.0.1:${port} backlog=4096;`).join('\n')}
    location / { default_type text/plain; return 200 "hello, world\\n"; }
    location = ${BULK_PATH} { root ${directory}; }
  }
}
`;
}

/** Starts the backend on so many free ports and resolves once all accept. */
export async function startFastBackend(group: ProcessGroup, count: number, core?: number): Promise<FastBackend> {
  const directory = group.directory();
  const ports = await freePorts(count);
  writeFileSync(join(directory, 'nginx.conf'), fastBackendConfig(directory, ports, configuredFiles()));
  const file = openSync(join(directory, BULK_PATH), 'w');
  ftruncateSync(file, BULK_BYTES);
  closeSync(file);
  const args = ['-p', directory, '-c', join(directory, 'nginx.conf'), '-e', join(directory, 'error.log')];
  const running = await group.start({ name: 'backend', command: 'nginx', args, core });
  await portsReady(running, ports);
  return { process: running, ports };
}
