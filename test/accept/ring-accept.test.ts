import { once } from 'node:events';
import net from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { RingAccept } from '../../src/accept/ring-accept.ts';
import { HandleWires } from '../../src/support/open-wire.ts';
import { RingHandle } from '../../src/support/ring-handle.ts';
import { createRingRecord } from '../../src/support/ring-record.ts';
import { RingSockets } from '../../src/support/ring-sockets.ts';
import { handleKit } from '../../src/support/socket-handle.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { listeningHandle, Recorder, until } from '../support/wire-stage.ts';

const ring = new RingSockets(handleKit!, createRingRecord());
const wires = new HandleWires(handleKit!, ring);

afterAll(async () => {
  await closeOpened();
  await until(() => ring.size === 0);
  ring.close();
});

/** Says back what it hears, and ends when it does. */
function echo(socket: object): void {
  const wire = wires.accepted(socket);
  const sink = new Recorder();
  sink.onEvent = (event) => {
    const said = sink.chunks.at(-1);
    if (event === 'bytes' && said !== undefined) wire.send(said, 0, said.length);
    if (event === 'end') wire.end();
  };
  wire.sink = sink;
  wire.start();
}

/** A server whose connections say back what they hear, and who has accepted how many of them. */
async function stage() {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const by = { ring: 0, handle: 0 };
  const handle = listeningHandle(server);
  const onHandle = (socket: object): void => {
    by[socket instanceof RingHandle ? 'ring' : 'handle']++;
    echo(socket);
  };
  handle.onconnection = (_status, socket) => onHandle(socket!);
  const listening = { handle, close: () => void server.close() };
  const accept = new RingAccept(handleKit!, listening, onHandle);
  return { accept, address: `127.0.0.1:${port}`, by };
}

async function converse(address: string): Promise<void> {
  const client = await connectTo(address);
  client.send('hello');
  await client.until(() => client.text === 'hello', 'echo');
  client.end();
  await client.until(() => client.ending === 'fin', 'end');
}

it('accepts by the ring or by a handle, as it is told, and loses no connection meanwhile', async () => {
  const { accept, address, by } = await stage();
  for (let i = 0; i < 20; i++) {
    accept.useRing(i % 2 === 0 ? ring : undefined);
    const all = Array.from({ length: 10 }, () => converse(address));
    if (i % 5 === 4) for (const other of [ring, undefined, ring]) accept.useRing(other);
    await Promise.all(all);
    const before = by.ring;
    accept.useRing(ring);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await converse(address);
    expect(by.ring).toBe(before + 1);
    accept.useRing(undefined);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await converse(address);
    expect(by.ring).toBe(before + 1);
  }
  expect(by.ring + by.handle).toBe(240);
  accept.close();
});

it.each([true, false])('accepts nothing once it is closed, with the ring (%s)', async (byRing) => {
  const { accept, address } = await stage();
  if (byRing) accept.useRing(ring);
  await converse(address);
  accept.close();
  await expect.poll(() => connectTo(address).then(() => 'connected', codeOf)).toBe('ECONNREFUSED');
});

const codeOf = ({ code }: NodeJS.ErrnoException): string | undefined => code;
