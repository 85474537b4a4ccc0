import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Latencies } from '../../../src/cli/bench/latencies.ts';
import type { LoadSpec } from '../../../src/cli/bench/load.ts';
import { openLoop } from '../../../src/cli/bench/open-loop.ts';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function serve(handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((open) => server.once('listening', open));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/a?b`;
}

function specFor(url: string, more: Partial<LoadSpec> = {}) {
  const spec = { url, method: 'GET', headers: {}, body: undefined, connections: 2, durationMs: 0, warmUpMs: 0 };
  return { ...spec, timeoutMs: 5000, rate: 200, ...more } as LoadSpec & { rate: number };
}

describe('an open loop', () => {
  it('sends what is due, whatever becomes of what was before, and omits no waiting', async () => {
    const stall = { fromMs: 200, toMs: 700 };
    let startedAt: number | undefined;
    const url = await serve((_request, response) => {
      startedAt ??= performance.now();
      const at = performance.now() - startedAt;
      const waits = at >= stall.fromMs && at < stall.toMs ? stall.toMs - at : 0;
      setTimeout(() => response.end('ok'), waits);
    });
    const { answered, latencies, statuses, bytes, failures } = await openLoop(specFor(url), 1000, () => {});
    expect({ answered, statuses, bytes, failures }).toEqual({
      answered: 200,
      statuses: { 200: 200 },
      bytes: 400,
      failures: {},
    });
    // Two connections are held up; behind them some hundred requests become due in the half second that the server stalls, and
    // those of its first half wait a quarter of a second and more. A generator that waits too would have seen two of them.
    const all = new Latencies();
    all.add(latencies);
    expect(all.percentileMs(1 - 40 / 200)).toBeGreaterThan(250);
  });

  it('counts what fails and what has no answer in time', async () => {
    let asked = 0;
    const url = await serve((request, response) => {
      asked++;
      if (asked % 2 === 0) request.socket.destroy();
      else if (asked > 3) return;
      else response.writeHead(503).end();
    });
    const { answered, statuses, failures } = await openLoop(specFor(url, { rate: 20, timeoutMs: 300 }), 300, () => {});
    expect({ answered, statuses }).toEqual({ answered: 2, statuses: { 503: 2 } });
    expect(Object.values(failures).reduce((sum, count) => sum + count, 0)).toBe(4);
    expect(failures).toMatchObject({ 'no answer in time': expect.any(Number), UND_ERR_SOCKET: expect.any(Number) });
  });

  it('sends the method, the fields and the body', async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${request.headers['x-a']} ${body}`);
        response.end();
      });
    });
    const spec = specFor(url, { method: 'PUT', headers: { 'X-A': '1' }, body: 'hello', rate: 10 });
    await openLoop(spec, 100, () => {});
    expect(seen).toEqual(['PUT /a?b 1 hello']);
  });
});
