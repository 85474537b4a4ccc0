import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { systemSources } from '../../src/support/name-sources.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const HEADER_BYTES = 12;
const TYPE_A = 1;

/** A name server on loopback that has one record of each family for every name (RFC 1035 §4.1). */
async function nameServer() {
  const socket = createSocket('udp4');
  cleanups.push(() => socket.close());
  socket.on('message', (query, from) => {
    const question = query.subarray(HEADER_BYTES, query.indexOf(0, HEADER_BYTES) + 5);
    const type = question.readUInt16BE(question.length - 4);
    const address = type === TYPE_A ? [10, 1, 2, 3] : [0x20, 0x01, 0x0d, 0xb8, ...new Array(11).fill(0), 7];
    const header = [...query.subarray(0, 2), 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    const record = [0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 60, 0, address.length, ...address];
    socket.send(Buffer.from([...header, ...question, ...record]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return `127.0.0.1:${socket.address().port}`;
}

test('asks the name servers for either family', async () => {
  const { resolve4, resolve6 } = systemSources([await nameServer()]);
  expect(await resolve4('web.test')).toEqual(['10.1.2.3']);
  expect(await resolve6('web.test')).toEqual(['2001:db8::7']);
});

test('gives up on a name server that does not answer within seconds', async () => {
  const silent = createSocket('udp4');
  cleanups.push(() => silent.close());
  let queries = 0;
  silent.on('message', () => queries++).bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const startedMs = performance.now();
  await expect(systemSources([`127.0.0.1:${silent.address().port}`]).resolve4('web.test')).rejects.toThrow('ETIMEOUT');
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(queries).toBe(2);
});

test('reads the hosts file of the machine, and asks its look-up for all addresses', async () => {
  const { hosts, lookup } = systemSources();
  expect(await hosts()).toMatch(/localhost/);
  expect(await lookup('127.0.0.1')).toEqual(['127.0.0.1']);
  expect(await lookup('localhost')).toEqual(expect.arrayContaining([expect.stringMatching(/^(127\.0\.0\.1|::1)$/)]));
});
