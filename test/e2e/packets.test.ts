import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { isRoot, Namespace } from '../support/namespace.ts';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened } from '../support/opened.ts';
import { has } from '../support/servers.ts';
import { until } from '../support/wire-stage.ts';

afterEach(closeOpened);

const LISTENER = 8080;
const BACKEND = 9000;

/** What a packet is to its connection; acknowledgements alone are left out. */
type Packet = `${'client' | 'backend'} ${'>' | '<'} ${'SYN' | 'SYN-ACK' | 'DATA' | 'FIN' | 'RST'}`;

/** The packets of both sides of Fairlead in order; `>` goes towards the backend. */
function packetsOf(dump: string): Packet[] {
  const lines = dump.matchAll(/ 127\.0\.0\.1\.(\d+) > 127\.0\.0\.1\.(\d+): Flags \[([^\]]+)\].* length (\d+)/g);
  return [...lines].flatMap(([, from, to, flags, length]) => {
    const ports = [Number(from), Number(to)];
    const side = ports.includes(LISTENER) ? 'client' : 'backend';
    const way = ports[1] === LISTENER || ports[1] === BACKEND ? '>' : '<';
    return kindsOf(flags!, Number(length)).map((kind): Packet => `${side} ${way} ${kind}`);
  });
}

function kindsOf(flags: string, length: number): ('SYN' | 'SYN-ACK' | 'DATA' | 'FIN' | 'RST')[] {
  if (flags.startsWith('S')) return [flags.includes('.') ? 'SYN-ACK' : 'SYN'];
  if (flags.includes('R')) return ['RST'];
  return [...(length > 0 ? (['DATA'] as const) : []), ...(flags.includes('F') ? (['FIN'] as const) : [])];
}

/** Runs a client through Fairlead to a backend, each a program as given, and returns what went over the wires. */
async function capture(backend: string, client: string, done: (packets: Packet[]) => boolean): Promise<Packet[]> {
  const config: ConfigInput = {
    listeners: { l4: { protocol: 'tcp', bind: `127.0.0.1:${LISTENER}`, pool: 'app' } },
    pools: { app: { backends: [`127.0.0.1:${BACKEND}`], health: { type: 'off' } } },
  };
  const namespace = new Namespace();
  const tcpdump = namespace.start('tcpdump', ['-i', 'lo', '-nn', '-l', '--immediate-mode', 'tcp']);
  const server = namespace.start(process.execPath, [
    '-e',
    `require('net').createServer({ allowHalfOpen: true }, (socket) => { ${backend} }).listen(${BACKEND}, '127.0.0.1', () => console.log('ready'))`,
  ]);
  await until(() => tcpdump.output().includes('listening on lo'));
  await until(() => server.output().includes('ready'));
  await namespace.runFairlead(config);
  namespace.start(process.execPath, [
    '-e',
    `const socket = require('net').connect({ port: ${LISTENER}, host: '127.0.0.1', allowHalfOpen: true }); ${client}`,
  ]);
  await until(() => done(packetsOf(tcpdump.output())));
  return packetsOf(tcpdump.output());
}

const of = (side: 'client' | 'backend', packets: Packet[]) =>
  packets.filter((packet) => packet.startsWith(side)).map((packet) => packet.slice(side.length + 1));

const count = (packets: Packet[], kind: string) => packets.filter((packet) => packet.endsWith(kind)).length;

const here = isRoot && has('ip', 'tcpdump');

describe.skipIf(skipsWithout(here))('the packets on both sides of Fairlead', () => {
  it('of a connection that ends in order: a handshake each, and each FIN passed on', async () => {
    const packets = await capture(
      `socket.on('data', (data) => socket.write(data)).on('end', () => socket.end())`,
      `socket.write('hello'); socket.on('data', () => socket.end()).resume()`,
      (sofar) => count(sofar, 'FIN') === 4,
    );
    const whole = ['> SYN', '< SYN-ACK', '> DATA', '< DATA', '> FIN', '< FIN'];
    expect(of('client', packets)).toEqual(whole);
    expect(of('backend', packets)).toEqual(whole);
    const first = (packet: Packet) => packets.indexOf(packet);
    expect(first('client > SYN')).toBeLessThan(first('backend > SYN'));
    expect(first('client > FIN')).toBeLessThan(first('backend > FIN'));
    expect(first('backend < FIN')).toBeLessThan(first('client < FIN'));
  });

  it('of a half-close: the answer comes after the FIN of the one who asked', async () => {
    const packets = await capture(
      `socket.resume().on('end', () => socket.end('the whole answer'))`,
      `socket.end('question'); socket.resume()`,
      (sofar) => count(sofar, 'FIN') === 4,
    );
    const whole = ['> SYN', '< SYN-ACK', '> DATA', '> FIN', '< DATA', '< FIN'];
    expect(of('client', packets)).toEqual(whole);
    expect(of('backend', packets)).toEqual(whole);
  });

  it('of a reset by the backend: the client gets one too, and no FIN', async () => {
    const packets = await capture(
      `socket.once('data', () => socket.resetAndDestroy())`,
      `socket.write('hello'); socket.on('error', () => {})`,
      (sofar) => count(sofar, 'RST') === 2,
    );
    const whole = ['> SYN', '< SYN-ACK', '> DATA', '< RST'];
    expect(of('client', packets)).toEqual(whole);
    expect(of('backend', packets)).toEqual(whole);
  });

  it('of a reset by the client: the backend gets one too, and no FIN', async () => {
    const packets = await capture(
      `socket.on('data', (data) => socket.write(data)).on('error', () => {})`,
      `socket.write('hello'); socket.once('data', () => socket.resetAndDestroy())`,
      (sofar) => count(sofar, 'RST') === 2,
    );
    const whole = ['> SYN', '< SYN-ACK', '> DATA', '< DATA', '> RST'];
    expect(of('client', packets)).toEqual(whole);
    expect(of('backend', packets)).toEqual(whole);
  });
});
