import { describe, expect, it } from 'vitest';
import { FileLimit, FileRoom } from '../../src/support/file-room.ts';

function process(limit: number | undefined) {
  const told: string[] = [];
  const state = { limit, now: 0 };
  const now = () => state.now;
  const files = new FileLimit(() => state.limit, now);
  const room = new FileRoom((listener) => told.push(listener), files, now);
  return { files, room, told, state };
}

describe('the room among the descriptors', () => {
  it.each([
    [64, 48, 60],
    [160, 120, 150],
    [1024, 768, 1008],
    [1_048_576, 1_048_320, 1_048_560],
  ])('of %i is kept from clients at %i, and from dials at %i', (limit, clients, dials) => {
    const { files } = process(limit);
    expect([clients - 1, clients].map((fd) => files.isKeptFromClients(fd))).toEqual([false, true]);
    expect([dials - 1, dials].map((fd) => files.isKeptFromDials(fd))).toEqual([false, true]);
  });

  it('has no end while the limit is not known, and has one when it is', () => {
    const { files, state } = process(undefined);
    expect(files.isKeptFromClients(2_000_000)).toBe(false);
    state.limit = 160;
    expect(files.isKeptFromClients(155)).toBe(false);
    state.now = 1001;
    expect(files.isKeptFromClients(155)).toBe(true);
    expect(files.isKeptFromClients(10)).toBe(false);
  });

  it('follows a limit that is raised, within a second, and keeps to the last one that was read', () => {
    const { files, state } = process(160);
    state.limit = 320;
    expect(files.isKeptFromClients(155)).toBe(true);
    state.now = 1001;
    expect(files.isKeptFromClients(155)).toBe(false);
    state.limit = undefined;
    state.now = 3000;
    expect(files.isKeptFromClients(310)).toBe(true);
  });

  it('is told now and then', () => {
    const { room, told, state } = process(160);
    for (const now of [0, 1, 5000, 10_001, 10_002]) {
      state.now = now;
      expect(room.refuses(155, `at ${now}`)).toBe(true);
    }
    expect(told).toEqual(['at 0', 'at 10001']);
  });
});
