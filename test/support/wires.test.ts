import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { readSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { HandleWires, socketWires } from '../../src/support/open-wire.ts';
import { createRingRecord } from '../../src/support/ring-record.ts';
import { handleKit, isKnown, type SocketHandle } from '../../src/support/socket-handle.ts';
import { atTurnEnd } from '../../src/support/turn-end.ts';
import { wireContract } from '../contracts/wire.ts';
import { BareStage, JoinedStage } from './ring-stage.ts';
import { pattern, until, WireStage } from './wire-stage.ts';

const bare = new BareStage();
// Sockets whose descriptors are too high to be noted get handles.
const unnoted = new BareStage({ ...createRingRecord(), sockets: new Uint8Array() });
const inRing = new JoinedStage();

wireContract('node:net', new WireStage(socketWires));
wireContract('a handle', new WireStage(new HandleWires(handleKit!)));
wireContract('a handle in a ring of io_uring', inRing);
wireContract('a ring of io_uring, without a handle', bare);
wireContract('a ring of io_uring that can note nothing', unnoted);

// Two sends of one wire must not be under way in the ring at a time.
it('writes nothing twice when some of it is nothing', async () => {
  const { wire, peer } = await inRing.dialled();
  let got = '';
  peer.on('data', (chunk) => {
    got += chunk;
  });
  const words = Buffer.from('words');
  for (let i = 0; i < 3; i++) {
    wire.send(words, 2, 2);
    wire.send(words, 0, words.length);
  }
  wire.end();
  await once(peer, 'end');
  expect(got).toBe('wordswordswords');
});

// The handle has the rest of the bytes, and the socket takes more again by the time the text is due.
it('writes no text before the rest of what the kernel did not take', async () => {
  const { wire, peer } = await inRing.dialled();
  const peerHandle = (peer as unknown as { _handle: SocketHandle })._handle;
  peerHandle.readStop();
  const bytes = pattern(15_000);
  const got: Buffer[] = [];
  const parts: Buffer[] = [];
  while (!wire.backedUp) {
    wire.send(bytes, 0, bytes.length);
    atTurnEnd({ afterPoll: () => void (wire.backedUp && got.push(...readAll(peerHandle.fd))) });
    wire.writeText('text');
    parts.push(bytes, Buffer.from('text'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  peer.on('data', (chunk) => got.push(chunk as Buffer));
  peerHandle.readStart();
  const all = Buffer.concat(parts);
  await until(() => got.reduce((sum, { length }) => sum + length, 0) === all.length);
  expect(Buffer.concat(got).equals(all)).toBe(true);
});

/** All that a socket has at this moment. */
function readAll(fd: number): Buffer[] {
  const got: Buffer[] = [];
  try {
    for (;;) {
      const chunk = Buffer.alloc(65_536);
      const length = readSync(fd, chunk);
      got.push(chunk.subarray(0, length));
    }
  } catch {
    return got;
  }
}

afterAll(async () => {
  await inRing.close();
  await bare.close();
  await unnoted.close();
});

it('handles are used only in the versions of Node they were tried in', () => {
  expect(isKnown('26.10.0')).toBe(true);
  expect(isKnown('26.11.2')).toBe(true);
  for (const version of ['26.9.0', '24.15.0', '27.0.0', '20.20.2']) expect(isKnown(version)).toBe(false);
  expect(handleKit === undefined).toBe(!isKnown(process.versions.node));
});
