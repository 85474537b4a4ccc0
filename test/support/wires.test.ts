import { once } from 'node:events';
import { afterAll, expect, it } from 'vitest';
import { HandleWires, socketWires } from '../../src/support/open-wire.ts';
import { handleKit, isKnown } from '../../src/support/socket-handle.ts';
import { wireContract } from '../contracts/wire.ts';
import { RingStage } from './ring-stage.ts';
import { until, WireStage } from './wire-stage.ts';

const inRing = new RingStage();

wireContract('node:net', new WireStage(socketWires));
wireContract('a handle', new WireStage(new HandleWires(handleKit!)));
wireContract('a handle in a ring of io_uring', inRing);

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

afterAll(async () => {
  inRing.clear();
  await until(() => inRing.ring.size === 0);
  inRing.ring.close();
});

it('handles are used only in the versions of Node they were tried in', () => {
  expect(isKnown('26.10.0')).toBe(true);
  expect(isKnown('26.11.2')).toBe(true);
  for (const version of ['26.9.0', '24.15.0', '27.0.0', '20.20.2']) expect(isKnown(version)).toBe(false);
  expect(handleKit === undefined).toBe(!isKnown(process.versions.node));
});
