import { expect, it } from 'vitest';
import { handleWires, socketWires } from '../../src/support/open-wire.ts';
import { handleKit, isKnown } from '../../src/support/socket-handle.ts';
import { wireContract } from '../contracts/wire.ts';

wireContract('node:net', socketWires);
wireContract('a handle', handleWires(handleKit!));

it('handles are used only in the versions of Node they were tried in', () => {
  expect(isKnown('26.10.0')).toBe(true);
  expect(isKnown('26.11.2')).toBe(true);
  for (const version of ['26.9.0', '24.15.0', '27.0.0', '20.20.2']) expect(isKnown(version)).toBe(false);
  expect(handleKit === undefined).toBe(!isKnown(process.versions.node));
});
