import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deadAddress } from '../support/kept-ports.ts';

const script = fileURLToPath(new URL('../../src/cli/healthcheck.ts', import.meta.url));
const admin = createServer((request, response) => {
  if (request.url === '/healthz') response.end('{}');
  else response.writeHead(503).end();
});
let origin: string;
beforeAll(async () => {
  admin.listen(0, '127.0.0.1');
  await once(admin, 'listening');
  origin = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`;
});
afterAll(() => admin.close());

const check = (url: string) =>
  promisify(execFile)(process.execPath, [script], { env: { ...process.env, FAIRLEAD_HEALTH_URL: url } });

it('succeeds in silence when the admin server answers', async () => {
  expect(await check(`${origin}/healthz`)).toEqual({ stdout: '', stderr: '' });
});

it('fails and says why when it does not', async () => {
  await expect(check(`${origin}/other`)).rejects.toMatchObject({ code: 1, stderr: `${origin}/other: status 503\n` });
  await expect(check(`http://${await deadAddress()}/healthz`)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ECONNREFUSED'),
  });
});
