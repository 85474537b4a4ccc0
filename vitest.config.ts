import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most tests wait for sockets and timers, so that one at a time would leave a small machine idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Most scenarios start worker threads, and would strip the types of every source anew each time.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
