import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { BULK_BYTES, BULK_PATH, fastBackendConfig, startFastBackend } from '../../../bench/backends/fast-backend.ts';
import { ProcessGroup, searchPath } from '../../../bench/lib/processes.ts';
import { skipsWithout } from '../../support/needs.ts';

const hasNginx = spawnSync('nginx', ['-v'], { env: { ...process.env, PATH: searchPath() } }).status === 0;
const group = new ProcessGroup();
afterAll(() => group.close());

describe('fastBackendConfig', () => {
  it('listens on every port, with one worker and without a log', () => {
    const config = fastBackendConfig('/somewhere', [4001, 4002], 1000);
    expect(config).toContain('listen 127.0.0.1:4001 backlog=4096;\n    listen 127.0.0.1:4002 backlog=4096;');
    expect(config).toContain('worker_processes 1;');
    expect(config).toContain('access_log off;');
    expect(config).toContain('worker_rlimit_nofile 1000;');
    expect(config).toContain('worker_connections 950;');
  });

  it('keeps all its files in the folder', () => {
    const paths = [...fastBackendConfig('/somewhere', [1], 100).matchAll(/(\S+_path|pid|error_log|root) (\S+?)[; ]/g)];
    expect(paths.length).toBeGreaterThan(7);
    for (const [, , path] of paths) expect(path).toMatch(/^\/somewhere/);
  });
});

describe.skipIf(skipsWithout(hasNginx))('startFastBackend', () => {
  it('answers small requests on every port and sends the big file', async () => {
    const backend = await startFastBackend(group, 2);
    for (const port of backend.ports) {
      const answer = await fetch(`http://127.0.0.1:${port}/x`);
      expect(await answer.text()).toBe('hello, world\n');
    }
    const head = await fetch(`http://127.0.0.1:${backend.ports[0]}${BULK_PATH}`, { method: 'HEAD' });
    expect(Number(head.headers.get('content-length'))).toBe(BULK_BYTES);
    await group.stop(backend.process);
    expect(backend.process.alive()).toBe(false);
  });
});
