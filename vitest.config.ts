import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { PATIENCE_MS } from './test/support/patience.ts';

/** Folders of `test/` whose files start instances, processes and browsers. */
const large = ['cli', 'conformance', 'e2e', 'examples', 'fastify', 'fuzz', 'library', 'scenarios'];
const largeFiles = `test/{${large.join(',')}}/**/*.test.ts`;

/** What is run again as where io_uring cannot be had, in containers above all. */
const again = [
  'conformance/requests',
  'scenarios/{arrivals,connections,tcp-relay,tcp-routes,udp-flows,udp-failover,udp-relay}',
  'scenarios/http-{bodies,client-leaves,fields,interim,keep-alive,pipelining,retries,reuse-race,upgrade}',
];

export default defineConfig({
  test: {
    // Most tests wait for sockets and timers, so that one at a time would leave a small machine idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Most scenarios start worker threads, and would strip the types of every source anew each time.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    testTimeout: 60_000,
    // A second, which is usual, is short for what waits for other processes on a busy machine.
    expect: { poll: { timeout: PATIENCE_MS } },
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'large', include: [largeFiles] } },
      {
        extends: true,
        test: {
          name: 'handles',
          include: again.map((files) => `test/${files}.test.ts`),
          env: { TEST_IO_URING: 'false' },
        },
      },
      // A process for each of the many small files would take longer than most of them run.
      { extends: true, test: { name: 'small', include: ['test/**/*.test.ts'], exclude: [largeFiles], isolate: false } },
    ],
  },
});
