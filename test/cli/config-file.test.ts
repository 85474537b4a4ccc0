import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigFile } from '../../src/cli/config-file.ts';
import type { Clock, TimerHandle } from '../../src/support/clock.ts';

const text = (workers: number) => `
workers: ${workers}
listeners: { raw: { protocol: tcp, bind: "127.0.0.1:0", pool: apps } }
pools: { apps: { backends: [ "127.0.0.1:3001" ] } }
`;

/** A clock whose one timer the test fires: `look` resolves when the file was looked at and the next timer is set. */
function stepClock() {
  let due: { fn: () => void; ms: number } | undefined;
  let onSet: (() => void) | undefined;
  const clock: Clock = {
    now: () => 0,
    setTimeout: (fn, ms): TimerHandle => {
      due = { fn, ms };
      onSet?.();
      return { unref: () => undefined };
    },
    clearTimeout: () => {
      due = undefined;
    },
  };
  const look = () =>
    new Promise<void>((resolve) => {
      onSet = resolve;
      due!.fn();
    });
  return { clock, look, due: () => due };
}

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-file-'));
  path = join(folder, 'fairlead.yaml');
  await writeFile(path, text(1));
});
afterEach(() => rm(folder, { recursive: true }));

/** A file that is watched and loaded anew on each change, with the numbers of workers it was found to ask for. */
async function watched(onChange?: () => Promise<void>) {
  const { clock, look, due } = stepClock();
  const file = new ConfigFile({ path, env: {}, clock, pollMs: 250 });
  const found: unknown[] = [];
  const load = async () => {
    const loaded = await file.load();
    found.push(loaded.ok ? loaded.config.workers : 'bad');
  };
  await load();
  file.watch(onChange ?? load);
  return { file, look, due, found };
}

describe('ConfigFile', () => {
  it('loads the file as it is, with its name and the environment', async () => {
    await writeFile(path, text(1).replace('127.0.0.1:3001', `\${WHERE}`));
    const options = { path, clock: stepClock().clock, pollMs: 250 };
    const file = new ConfigFile({ ...options, env: { WHERE: '127.0.0.1:3009' } });
    expect(file.path).toBe(path);
    expect((await file.load()).ok).toBe(true);
    expect((await new ConfigFile({ ...options, env: {} }).load()).ok).toBe(false);
  });

  it('tells of nothing while nothing changes', async () => {
    const { look, due, found } = await watched();
    expect(due()?.ms).toBe(250);
    for (let n = 0; n < 3; n++) await look();
    expect(found).toEqual([1]);
  });

  it('tells of a change once it has settled, and once only', async () => {
    const { look, found } = await watched();
    await writeFile(path, text(2));
    await look();
    expect(found).toEqual([1]);
    await writeFile(path, `${text(3)}# more\n`);
    await look();
    expect(found).toEqual([1]);
    await look();
    expect(found).toEqual([1, 3]);
    await look();
    expect(found).toEqual([1, 3]);
  });

  it('sees a file of the same size that took the place of the old one, as editors do it', async () => {
    const { look, found } = await watched();
    const other = join(folder, 'new');
    await writeFile(other, text(4));
    await utimes(other, new Date(0), new Date(0));
    await rename(other, path);
    await look();
    await look();
    expect(found).toEqual([1, 4]);
  });

  it('waits for a file that is gone', async () => {
    const { look, found } = await watched();
    await rm(path);
    await look();
    await look();
    await writeFile(path, text(5));
    await look();
    await look();
    expect(found).toEqual([1, 5]);
  });

  it('does not tell of what a load in between has seen', async () => {
    const { file, look, found } = await watched();
    await writeFile(path, text(6));
    await file.load();
    await look();
    await look();
    expect(found).toEqual([1]);
  });

  it('is watched once, however often it is asked', async () => {
    const { file, look, found } = await watched();
    file.watch(async () => found.push('twice'));
    await writeFile(path, text(8));
    await look();
    await look();
    expect(found).toEqual([1, 8]);
  });

  it('tells of a bad file once', async () => {
    const { look, found } = await watched();
    await writeFile(path, 'nothing: true\n');
    for (let n = 0; n < 4; n++) await look();
    expect(found).toEqual([1, 'bad']);
  });

  it('looks no more once it is closed, be it during a change', async () => {
    const closed = Promise.withResolvers<void>();
    const { file, look, due } = await watched(async () => {
      file.close();
      closed.resolve();
    });
    await writeFile(path, text(7));
    await look();
    due()!.fn();
    await closed.promise;
    await nextTurn();
    expect(due()).toBeUndefined();
  });
});
