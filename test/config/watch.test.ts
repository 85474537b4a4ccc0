import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { largestFileBytes } from '../../src/config/read-text.ts';
import { watchConfig } from '../../src/config/watch.ts';
import { systemClock } from '../../src/support/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { withDirectory } from './loading.ts';

const cycleMs = 1100;

interface Watched {
  readonly path: string;
  readonly clock: FakeClock;
  readonly onChange: ReturnType<typeof vi.fn<() => void>>;
  readonly close: () => void;
}

/** A file that is watched by polling alone: its directory is changed for another, of which the system tells nothing. */
async function polled(use: (watched: Watched) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const path = join(directory, 'now', 'fairlead.yaml');
    for (const version of ['old', 'new']) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'fairlead.yaml'), 'a: 1');
    }
    symlinkSync('old', join(directory, 'now'));
    const clock = new FakeClock();
    const onChange = vi.fn<() => void>();
    const { close } = watchConfig(path, onChange, { clock, debounceMs: 100, pollMs: 1000 });
    unlinkSync(join(directory, 'now'));
    symlinkSync('new', join(directory, 'now'));
    try {
      await clock.advance(cycleMs);
      await use({ path, clock, onChange, close });
    } finally {
      close();
    }
  });
}

describe('watchConfig, at its polls', () => {
  it('says nothing while nothing changes, and leaves no timer behind', async () => {
    await polled(async ({ clock, onChange, close }) => {
      await clock.advance(10 * cycleMs);
      expect(onChange).not.toHaveBeenCalled();
      expect(clock.pending).toBe(1);
      close();
      close();
      expect(clock.pending).toBe(0);
    });
  });

  it.each([
    ['written in place', (path: string) => writeFileSync(path, 'a: 2')],
    ['written to', (path: string) => appendFileSync(path, '\nb: 2')],
    ['emptied', (path: string) => truncateSync(path)],
    [
      'replaced by another file',
      (path: string) => {
        writeFileSync(`${path}.tmp`, 'a: 2');
        renameSync(`${path}.tmp`, path);
      },
    ],
  ])('sees a file that is %s, once', async (_, change) => {
    await polled(async ({ path, clock, onChange }) => {
      change(path);
      await clock.advance(cycleMs);
      expect(onChange).toHaveBeenCalledTimes(1);
      await clock.advance(5 * cycleMs);
      expect(onChange).toHaveBeenCalledTimes(1);
      writeFileSync(path, 'a: 3');
      await clock.advance(cycleMs);
      expect(onChange).toHaveBeenCalledTimes(2);
    });
  });

  it('looks at contents, not at times', async () => {
    await polled(async ({ path, clock, onChange }) => {
      utimesSync(path, 1, 1);
      await clock.advance(cycleMs);
      writeFileSync(path, 'a: 1');
      await clock.advance(cycleMs);
      expect(onChange).not.toHaveBeenCalled();
    });
  });

  it('takes a file that is gone for a moment as it comes back', async () => {
    await polled(async ({ path, clock, onChange }) => {
      unlinkSync(path);
      await clock.advance(3 * cycleMs);
      writeFileSync(path, 'a: 1');
      await clock.advance(2 * cycleMs);
      expect(onChange).not.toHaveBeenCalled();
      unlinkSync(path);
      await clock.advance(cycleMs);
      writeFileSync(path, 'a: 2');
      await clock.advance(2 * cycleMs);
      expect(onChange).toHaveBeenCalledTimes(1);
    });
  });

  it('waits until the file is left alone', async () => {
    await polled(async ({ path, clock, onChange }) => {
      writeFileSync(path, 'a: 2');
      await clock.advance(900);
      expect(onChange).not.toHaveBeenCalled();
      await clock.advance(99);
      expect(onChange).not.toHaveBeenCalled();
      await clock.advance(1);
      expect(onChange).toHaveBeenCalledTimes(1);
    });
  });

  it('begins to wait anew with every change', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'not-yet', 'fairlead.yaml');
      const clock = new FakeClock();
      const onChange = vi.fn<() => void>();
      const watched = watchConfig(path, onChange, { clock, debounceMs: 1500, pollMs: 1000 });
      mkdirSync(join(directory, 'not-yet'));
      for (const text of ['a: 1', 'a: 12', 'a: 123']) {
        writeFileSync(path, text);
        await clock.advance(1000);
      }
      await clock.advance(1499);
      expect(onChange).not.toHaveBeenCalled();
      await clock.advance(1);
      expect(onChange).toHaveBeenCalledTimes(1);
      watched.close();
    });
  });

  it('says nothing after it is closed, not even of a change it has seen', async () => {
    await polled(async ({ path, clock, onChange, close }) => {
      writeFileSync(path, 'a: 2');
      await clock.advance(900);
      close();
      await clock.advance(10 * cycleMs);
      expect(onChange).not.toHaveBeenCalled();
    });
  });

  it('sees a change of a file that is too large to be read, and never reads it', async () => {
    await polled(async ({ path, clock, onChange }) => {
      truncateSync(path, largestFileBytes + 1);
      await clock.advance(cycleMs);
      truncateSync(path, largestFileBytes + 2);
      await clock.advance(cycleMs);
      expect(onChange).toHaveBeenCalledTimes(2);
    });
  });

  it('follows a symbolic link that is swapped, as Kubernetes does it', async () => {
    await withDirectory(async (directory) => {
      const { path, swap } = mounted(directory);
      const clock = new FakeClock();
      const onChange = vi.fn<() => void>();
      const watched = watchConfig(path, onChange, { clock, debounceMs: 100, pollMs: 1000 });
      swap('2', 'a: 1');
      await clock.advance(cycleMs);
      expect(onChange).not.toHaveBeenCalled();
      swap('3', 'a: 3');
      await clock.advance(cycleMs);
      expect(onChange).toHaveBeenCalledTimes(1);
      watched.close();
    });
  });

  it('begins before there is a file, or even a directory', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'later', 'fairlead.yaml');
      const clock = new FakeClock();
      const onChange = vi.fn<() => void>();
      const watched = watchConfig(path, onChange, { clock });
      await clock.advance(5000);
      mkdirSync(join(directory, 'later'));
      writeFileSync(path, 'a: 1');
      await clock.advance(2200);
      expect(onChange).toHaveBeenCalledTimes(1);
      watched.close();
    });
  });
});

/** A file as a ConfigMap is mounted: `fairlead.yaml` → `..data/fairlead.yaml`, `..data` → the current version. */
function mounted(directory: string): { path: string; swap: (version: string, text: string) => void } {
  const path = join(directory, 'fairlead.yaml');
  const swap = (version: string, text: string) => {
    mkdirSync(join(directory, `..${version}`));
    writeFileSync(join(directory, `..${version}`, 'fairlead.yaml'), text);
    symlinkSync(`..${version}`, join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  };
  swap('1', 'a: 1');
  symlinkSync(join('..data', 'fairlead.yaml'), path);
  return { path, swap };
}

/** How many directories and files the kernel watches for this process. */
function systemWatches(): number {
  const folder = '/proc/self/fdinfo';
  const infos = readdirSync(folder).map((fd) => {
    try {
      return readFileSync(join(folder, fd), 'utf8');
    } catch {
      return '';
    }
  });
  return infos
    .join('\n')
    .split('\n')
    .filter((line) => line.startsWith('inotify ')).length;
}

describe('watchConfig, told by the system', () => {
  const soon = { timeout: 5000, interval: 5 };
  const hourly = { clock: systemClock, debounceMs: 10, pollMs: 3_600_000 };

  it('sees files that are written, replaced, and linked elsewhere', async () => {
    await withDirectory(async (directory) => {
      const real = join(directory, 'real');
      mkdirSync(real);
      writeFileSync(join(real, 'a.yaml'), 'a: 1');
      const path = join(directory, 'fairlead.yaml');
      symlinkSync(join(real, 'a.yaml'), path);
      const onChange = vi.fn<() => void>();
      const watched = watchConfig(path, onChange, hourly);
      writeFileSync(join(real, 'a.yaml'), 'a: 2');
      await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(1), soon);
      rmSync(path);
      writeFileSync(path, 'a: 3');
      await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), soon);
      writeFileSync(`${path}~`, 'a: 4');
      renameSync(`${path}~`, path);
      await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(3), soon);
      watched.close();
    });
  });

  it('sees the swap of a mounted directory', async () => {
    await withDirectory(async (directory) => {
      const { path, swap } = mounted(directory);
      const onChange = vi.fn<() => void>();
      const watched = watchConfig(path, onChange, hourly);
      swap('2', 'a: 2');
      await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(1), soon);
      watched.close();
    });
  });

  it('is not kept from settling by other files of the directory', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'fairlead.yaml');
      writeFileSync(path, 'a: 1');
      const clock = new FakeClock();
      const watched = watchConfig(path, () => {}, { clock, debounceMs: 100, pollMs: 3_600_000 });
      writeFileSync(join(directory, 'access.log'), 'x');
      writeFileSync(join(directory, 'fairlead.yaml.swp'), 'x');
      writeFileSync(path, 'a: 2');
      await vi.waitFor(() => expect(clock.pending).toBe(2), soon);
      expect(clock.nextInMs).toBe(100);
      watched.close();
      expect(clock.pending).toBe(0);
    });
  });

  it.runIf(process.platform === 'linux')('gives back to the system what it took', async () => {
    await withDirectory((directory) => {
      const before = systemWatches();
      const watched = watchConfig(join(directory, 'fairlead.yaml'), () => {}, hourly);
      expect(systemWatches()).toBe(before + 1);
      watched.close();
      expect(systemWatches()).toBe(before);
    });
  });

  it('lets the process end', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'fairlead.yaml');
      writeFileSync(path, 'a: 1');
      const url = (name: string) => JSON.stringify(new URL(`../../src/${name}`, import.meta.url).href);
      const program = `const { watchConfig } = await import(${url('config/watch.ts')});
        const { systemClock } = await import(${url('support/clock.ts')});
        watchConfig(${JSON.stringify(path)}, () => {}, { clock: systemClock });
        console.log('watching');`;
      const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
        encoding: 'utf8',
        timeout: 10_000,
      });
      expect(output).toBe('watching\n');
    });
  });
});
