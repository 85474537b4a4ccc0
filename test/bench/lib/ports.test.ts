import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { freePorts } from '../../../bench/lib/ports.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('picks ports that differ and that no client is given', async () => {
  const firstOfClients = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  expect(Math.max(...ports)).toBeLessThan(firstOfClients);
});

it('leaves out what somebody has, for TCP or UDP', async () => {
  const random = vi.spyOn(Math, 'random');
  const pick = async (...parts: number[]) => {
    for (const part of parts) random.mockReturnValueOnce(part);
    return (await freePorts(1))[0]!;
  };
  const [first, second, third] = [await pick(0.25), await pick(0.5), await pick(0.75)];
  const tcp = createServer().listen(first, '127.0.0.1');
  const udp = createSocket('udp4').bind(second, '127.0.0.1');
  await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
  expect(await pick(0.25, 0.5, 0.75)).toBe(third);
  tcp.close();
  udp.close();
});
