import { afterEach, describe, expect, it } from 'vitest';
import { isRoot, Namespace } from '../support/namespace.ts';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened } from '../support/opened.ts';
import { has } from '../support/servers.ts';
import { until } from '../support/wire-stage.ts';

afterEach(closeOpened);

const PORTS = 21;
const CLIENTS = 30;

/** Backends that say `ok` and end nothing, over TCP, HTTP and UDP. */
const backends = `
  const ok = 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok';
  const http = (socket) => socket.on('data', () => setTimeout(() => socket.write(ok), 300)).on('error', () => {});
  const tcp = (socket) => socket.on('data', () => socket.write('ok')).on('error', () => {});
  const listen = (port, serve) => require('net').createServer(serve).listen(port, '127.0.0.1');
  for (const port of [9001, 9002, 9003, 9004]) listen(port, tcp);
  listen(9005, http).on('listening', () => console.log('ready'));
  const udp = require('dgram').createSocket('udp4').bind(9006, '127.0.0.1');
  udp.on('message', (datagram, { port, address }) => udp.send('ok', port, address));
`;

/** Clients that keep what they have open for two seconds, each on a port that Fairlead would not take; prints who got what. */
const clients = (port: number) => `
  const count = { ok: 0, reset: 0, unavailable: 0 };
  const text = ${port} === 8085 ? 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' : 'hello';
  for (let i = 0; i < ${CLIENTS}; i++) {
    const from = 20000 + ${port % 100} * 100 + i;
    if (${port} === 8086) {
      const socket = require('dgram').createSocket('udp4').bind(from, '127.0.1.1');
      socket.on('message', () => count.ok++).send(text, ${port}, '127.0.0.1');
      continue;
    }
    const socket = require('net').connect({ port: ${port}, host: '127.0.0.1', localAddress: '127.0.1.1', localPort: from });
    socket.on('error', () => count.reset++).write(text);
    socket.on('data', (data) => /^ok|200 OK/.test(data) ? count.ok++ : / 503 .*no local address or port/s.test(data) && count.unavailable++);
  }
  setTimeout(() => { console.log(JSON.stringify(count)); process.exit(); }, 2000);
`;

/** A machine with few local ports, and Fairlead in it before backends that are well. */
async function machine(ioUring: boolean) {
  const namespace = new Namespace();
  await namespace.run('sysctl', '-qw', `net.ipv4.ip_local_port_range=40000 ${40000 + PORTS - 1}`);
  const started = namespace.start(process.execPath, ['-e', backends]);
  const pool = (ports: number[], connect = {}) =>
    ({ backends: ports.map(backend), connect, health: { type: 'off' } }) as const;
  const backend = (port: number, index: number) => ({ address: `127.0.0.1:${port}`, weight: index === 0 ? 20 : 1 });
  const at = <Protocol extends 'tcp' | 'udp' | 'http'>(protocol: Protocol, port: number, name: string) => ({
    protocol,
    bind: `127.0.0.1:${port}`,
    pool: name,
  });
  await namespace.runFairlead({
    ioUring,
    admin: { bind: '127.0.0.1:9900' },
    listeners: {
      one: at('tcp', 8081, 'one'),
      two: at('tcp', 8082, 'two'),
      local: at('tcp', 8084, 'local'),
      http: at('http', 8085, 'http'),
      udp: at('udp', 8086, 'udp'),
    },
    pools: {
      one: pool([9001]),
      two: pool([9002, 9003]),
      local: pool([9004], { local: '127.0.0.9' }),
      http: pool([9005]),
      udp: pool([9006]),
    },
  });
  await until(() => started.output().includes('ready'));
  return {
    ask: async (port: number) => JSON.parse((await namespace.run(process.execPath, '-e', clients(port))).stdout),
    metrics: async () =>
      (await namespace.run('curl', '-s', '--local-port', '30000-30100', 'http://127.0.0.1:9900/metrics')).stdout,
  };
}

const here = isRoot && has('ip', 'sysctl', 'curl');

describe.skipIf(skipsWithout(here)).each([false, true])('without a local port, ioUring: %s', (ioUring) => {
  it.each([
    [8081, 'reset', 'connect-no-port', 'a client of L4 is reset'],
    [8082, undefined, 'connect-no-port', 'a backend at another address is tried'],
    [8084, 'reset', 'connect-no-port', 'so is one of a pool with an address to come from'],
    [8085, 'unavailable', 'connect-no-port', 'a request is answered 503'],
    [8086, undefined, 'connect-no-port', 'the datagrams of a client are lost'],
  ])('of %i, and no backend has failed', async (...[port, ending, reason]) => {
    const { ask, metrics } = await machine(ioUring);
    const count = await ask(port);
    const served = port === 8082 ? CLIENTS : PORTS;
    // The kernel may have one or two of them elsewhere for a moment.
    expect(count.ok).toBeLessThanOrEqual(served);
    expect(count.ok).toBeGreaterThan(served - 4);
    if (ending !== undefined) expect(count[ending]).toBe(CLIENTS - count.ok);
    const counted = (await metrics()).split('\n').filter((line) => /^fairlead_.*reason=".* [1-9]/.test(line));
    const named = (metric: string) => expect.stringMatching(`^fairlead_${metric}_total{.*reason="${reason}"}`);
    expect(counted).toEqual([named(port === 8082 ? 'retries' : 'refusals')]);
  });
});
