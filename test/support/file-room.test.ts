import { describe, expect, it } from 'vitest';
import { FileRoom } from '../../src/support/file-room.ts';

function room(limit: number | undefined) {
  const told: string[] = [];
  const state = { limit, now: 0 };
  const files = new FileRoom(
    (listener) => told.push(listener),
    () => state.limit,
    () => state.now,
  );
  return { files, told, state };
}

describe('the room among the descriptors', () => {
  it.each([
    [64, 60],
    [160, 150],
    [1024, 960],
    [1_048_576, 1_048_512],
  ])('of %i begins to be kept at %i', (limit, first) => {
    const { files } = room(limit);
    expect([files.refuses(first - 1, 'web'), files.refuses(first, 'web')]).toEqual([false, true]);
  });

  it('has no end where the limit is not known', () => {
    const { files } = room(undefined);
    expect(files.refuses(2_000_000, 'web')).toBe(false);
  });

  it('follows a limit that is raised, within a second, and keeps to the last one that was read', () => {
    const { files, state } = room(160);
    expect(files.refuses(155, 'web')).toBe(true);
    state.limit = 320;
    expect(files.refuses(155, 'web')).toBe(true);
    state.now = 1001;
    expect(files.refuses(155, 'web')).toBe(false);
    state.limit = undefined;
    state.now = 3000;
    expect(files.refuses(310, 'web')).toBe(true);
  });

  it('is told now and then', () => {
    const { files, told, state } = room(160);
    for (const now of [0, 1, 5000, 10_001, 10_002]) {
      state.now = now;
      files.refuses(155, `at ${now}`);
    }
    expect(told).toEqual(['at 0', 'at 10001']);
  });
});
