import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { closedLoop } from '../../../src/cli/bench/closed-loop.ts';

let server: http.Server;
afterEach(() => server.closeAllConnections());

async function serve(handler: http.RequestListener): Promise<string> {
  server = http.createServer(handler).listen(0, '127.0.0.1');
  await new Promise((open) => server.once('listening', open));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const spec = { headers: { 'X-A': '1' }, durationMs: 0, warmUpMs: 0, timeoutMs: 5000, rate: undefined, connections: 3 };

describe('a closed loop', () => {
  it('has one request of each connection under way, and counts every answer', async () => {
    let [now, most, answered] = [0, 0, 0];
    const seen = new Set<string>();
    const url = await serve((request, response) => {
      most = Math.max(most, ++now);
      seen.add(`${request.method} ${request.headers['x-a']} ${request.headers['content-length']}`);
      setTimeout(() => {
        now--;
        response.writeHead(++answered % 10 === 0 ? 503 : 200).end('ok');
      }, 5);
    });
    const heard: number[] = [];
    const loop = { ...spec, url, method: 'POST', body: 'abc' };
    const result = await closedLoop(loop, 300, (count) => heard.push(count));
    expect(most).toBe(3);
    expect([...seen]).toEqual(['POST 1 3']);
    expect(heard).toEqual(Array.from({ length: result.answered }, (_, n) => n + 1));
    expect(result.latencies.count).toBe(result.answered);
    expect(result.latencies.minMs).toBeGreaterThan(4);
    expect(result.statuses['200']! + result.statuses['503']!).toBe(result.answered);
    expect(result.failures).toEqual({});
    expect(result.bytes).toBeGreaterThan(result.answered * 50);
  });

  it('sees connections that end without an answer', async () => {
    let asked = 0;
    const url = await serve((request, response) => {
      if (++asked % 2 === 0) request.socket.end();
      else setTimeout(() => response.end('ok'), 2);
    });
    const { answered, failures } = await closedLoop({ ...spec, url, method: 'GET', body: undefined }, 200, () => {});
    const lost = Object.values(failures).reduce((sum, count) => sum + count, 0);
    expect(answered).toBeGreaterThan(0);
    // What was under way at the end is neither answered nor lost.
    expect(Math.abs(answered + lost - asked)).toBeLessThanOrEqual(2 * spec.connections);
    expect(lost).toBeGreaterThan(0);
  });
});
