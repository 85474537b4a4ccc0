import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../support/kept-ports.ts';

const program = fileURLToPath(new URL('../../examples/three-apps/app.ts', import.meta.url));
let app: ReturnType<typeof spawn> | undefined;
afterEach(() => app?.kill('SIGKILL'));

it.each(['SIGTERM', 'SIGINT'] as const)('says its name, counts its answers, and ends on %s', async (signal) => {
  const port = await freePort();
  app = spawn(process.execPath, [program], {
    env: { ...process.env, NAME: 'one', PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(app.stdout!, 'data');
  expect(String(line)).toBe(`one listens on port ${port}\n`);
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  expect(await ask('/')).toBe('one: GET /, answer 1\n');
  expect(await ask('/healthz')).toBe('ok\n');
  expect(await ask('/a?b=c')).toBe('one: GET /a?b=c, answer 2\n');
  app.kill(signal);
  expect(await once(app, 'exit')).toEqual([0, null]);
});
