import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Terminal } from '../../../src/cli/terminal.ts';
import { main } from '../../../src/cli/top.ts';
import { skipsWithout } from '../../support/needs.ts';
import { closeOpened } from '../../support/opened.ts';
import { startBackend } from '../../support/recording-backend.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../../support/running.ts';
import { entry } from '../cli-process.ts';
import { fakeIo } from '../fake-io.ts';

let lb: RunningFairlead;
beforeAll(async () => {
  const backends = await Promise.all([startBackend(), startBackend()]);
  const named = backends.map(({ address }, n) => ({ name: `app-${n}`, address }));
  lb = await runFairlead({ ...webConfig(named), admin: { bind: '127.0.0.1:0' } });
});
afterAll(closeOpened);

/** A terminal that keeps what is on its screen, and whose keys a test presses. */
class FakeTerminal implements Terminal {
  columns = 80;
  rows = 10;
  taken = false;
  screen: string[] = [];
  /** What was written on it after it was given back. */
  late = '';
  press: (key: string) => void = () => {};
  resize: () => void = () => {};

  write(text: string): void {
    if (!this.taken) this.late += text;
    this.screen = text.replace(/\u001b\[(?:H|K|J)/g, '').split('\r\n');
  }

  take(onKey: (key: string) => void, onResize: () => void): () => void {
    this.taken = true;
    this.press = onKey;
    this.resize = onResize;
    return () => {
      this.taken = false;
    };
  }
}

/** What another operator does. */
async function weigh(backend: string, weight: number): Promise<void> {
  const answer = await fetch(`http://${lb.adminAddresses[0]}/api/pools/web/backends/${backend}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ weight }),
  });
  expect(answer.status).toBe(200);
}

describe('fairlead top', () => {
  it('shows an instance, acts on a backend, follows the size, and gives the terminal back', async () => {
    const terminal = new FakeTerminal();
    const io = { ...fakeIo(), terminal };
    const done = main(['--admin', lb.adminAddresses[0]!, '--interval', '100ms'], io);
    const shows = (pattern: RegExp) => expect.poll(() => terminal.screen.join('\n')).toMatch(pattern);
    await shows(/web\/app-1 +unknown|web\/app-1 +up/);
    expect(terminal.screen).toHaveLength(10);
    terminal.columns = 60;
    terminal.rows = 5;
    terminal.resize();
    expect(terminal.screen).toHaveLength(5);
    expect(Math.max(...terminal.screen.map((line) => line.length))).toBeLessThanOrEqual(60);
    terminal.rows = 10;
    for (const key of ['down', 'd', 'y']) terminal.press(key);
    await shows(/web\/app-1 is draining, 0 active/);
    await shows(/web\/app-1 +draining/);
    terminal.press('+');
    await shows(/web\/app-1 has weight 2/);
    terminal.press('e');
    await shows(/web\/app-1 is (?:up|unknown), 0 active/);
    terminal.press('q');
    expect(await done).toBe(0);
    expect(terminal.taken).toBe(false);
  });

  it('takes every press of a key, and does not undo what another operator has just done', async () => {
    const terminal = new FakeTerminal();
    const io = { ...fakeIo(), terminal };
    const done = main(['--admin', lb.adminAddresses[0]!, '--interval', '1h'], io);
    const shows = (pattern: RegExp) => expect.poll(() => terminal.screen.join('\n')).toMatch(pattern);
    await shows(/web\/app-0 +up +1 /);
    for (const key of ['+', '+', 'down', '+', 'up', '+']) terminal.press(key);
    await shows(/web\/app-0 +up +4 /);
    await weigh('app-0', 9);
    terminal.press('+');
    await shows(/pool 'web' has changed since that version of it/);
    await shows(/web\/app-0 +up +9 /);
    terminal.press('-');
    await shows(/web\/app-0 +up +8 /);
    terminal.press('x');
    await weigh('app-0', 1);
    terminal.press('y');
    await shows(/web\/app-0 +up +1 /);
    await shows(/has changed since that version/);
    terminal.press('+');
    terminal.press('q');
    expect(await done).toBe(0);
    await sleep(200);
    expect(terminal.late).toBe('');
  });

  it('ends by a signal', async () => {
    const terminal = new FakeTerminal();
    const io = { ...fakeIo(), terminal };
    const done = main(['--admin', lb.adminAddresses[0]!], io);
    await expect.poll(() => terminal.taken).toBe(true);
    io.signals.emit('SIGTERM');
    expect(await done).toBe(143);
    expect(terminal.taken).toBe(false);
  });

  it('is printed once where there is no terminal', async () => {
    const io = fakeIo();
    expect(await main(['--admin', lb.adminAddresses[0]!, '--interval', '100ms'], io)).toBe(0);
    const lines = io.stdout.text().split('\n');
    expect(lines[3]).toMatch(/^POOL\/BACKEND +STATUS +WT +ACTIVE +REQ\/S +SHARE /);
    expect(lines.slice(4)).toEqual([expect.stringMatching(/^web\/app-0 /), expect.stringMatching(/^web\/app-1 /), '']);
  });

  it('says what is wrong before it takes the terminal', async () => {
    const terminal = new FakeTerminal();
    const io = { ...fakeIo(), terminal };
    expect(await main(['--admin', '127.0.0.1:1'], io)).toBe(1);
    expect(io.stderr.text()).toBe('fairlead top: cannot reach Fairlead at http://127.0.0.1:1: nothing listens there\n');
    expect(await main(['--interval', '1ms'], io)).toBe(2);
    expect(terminal.screen).toEqual([]);
  });
});

const hasScript = await promisify(execFile)('script', ['--version']).then(
  ({ stdout }) => stdout.includes('util-linux'),
  () => false,
);

describe.skipIf(skipsWithout(hasScript))('on a real terminal', () => {
  it('fills the screen, hears keys and sizes, and leaves everything as it was', async () => {
    const command = `stty rows 20 cols 80; "${process.execPath}" "${entry}" top --interval 100ms --admin ${lb.adminAddresses[0]}; echo "code $?"; stty -a`;
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm', NO_COLOR: '1' },
    });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    const until = (pattern: RegExp) => expect.poll(() => text, { timeout: 15_000 }).toMatch(pattern);
    try {
      await until(/\u001b\[\?1049h\u001b\[\?25l.*web\/app-1 /s);
      child.stdin.write('\u001b[Bd');
      await until(/Drain web\/app-1\? y\/n/);
      child.stdin.write('n?');
      await until(/q, Ctrl-C {8}quit/);
      child.stdin.write('xq');
      await until(/\u001b\[\?25h\u001b\[\?1049lcode 0\r\n/);
      await until(/ icanon.* echo /s);
    } finally {
      // Also when an expectation fails: it would go on for ever with nobody at its keys.
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }, 30_000);
});
