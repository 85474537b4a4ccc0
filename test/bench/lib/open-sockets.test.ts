import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { openSockets, readAddress } from '../../../bench/lib/open-sockets.ts';

it('reads addresses as the kernel shows them', () => {
  expect(readAddress('0100007F:1F90')).toBe('127.0.0.1:8080');
});

it('lists the connections of a process and not what listens', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = net.connect(port, '127.0.0.1');
  await once(client, 'connect');
  expect(openSockets(process.pid)).toContain(`127.0.0.1:${client.localPort} > 127.0.0.1:${port} ESTABLISHED`);
  expect(openSockets(process.pid).some((line) => line.startsWith(`127.0.0.1:${port} > 0.0.0.0`))).toBe(false);
  client.destroy();
  server.close();
});
