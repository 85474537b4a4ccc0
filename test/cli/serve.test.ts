import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { serveUntilSignal } from '../../src/cli/serve.ts';

/** An instance whose drain ends when the test says so, and the log of what was asked of it. */
function serve(starting: Promise<unknown> = Promise.resolve()) {
  const log: string[] = [];
  const drained = Promise.withResolvers<void>();
  const reloaded = Promise.withResolvers<void>();
  const does = (what: string, result: Promise<void>) => () => {
    log.push(what);
    return result;
  };
  const serving = {
    reload: does('reload', reloaded.promise),
    drain: does('drain', drained.promise),
    close: does('close', Promise.resolve()),
  };
  const signals = new EventEmitter();
  const started = starting.then(() => serving);
  const code = serveUntilSignal(started, signals, (signal) => log.push(signal));
  return { log, signals, code, drained, reloaded };
}

describe('serveUntilSignal', () => {
  it.each(['SIGTERM', 'SIGINT'])('drains on %s and gives 0 when that is done', async (signal) => {
    const { log, signals, code, drained } = serve();
    let settled = false;
    code.then(() => (settled = true));
    signals.emit(signal);
    await nextTurn();
    expect(log).toEqual([signal, 'drain']);
    expect(settled).toBe(false);
    drained.resolve();
    expect(await code).toBe(0);
    expect(log).toEqual([signal, 'drain']);
  });

  it.each([
    ['SIGINT', 'SIGINT', 130],
    ['SIGINT', 'SIGTERM', 143],
    ['SIGTERM', 'SIGINT', 130],
  ])('after %s ends at once on %s, with %d', async (first, second, expected) => {
    const { log, signals, code } = serve();
    signals.emit(first);
    await nextTurn();
    signals.emit(second);
    expect(await code).toBe(expected);
    expect(log).toEqual([first, 'drain', 'close']);
  });

  it('reloads on SIGHUP, as often as it comes, and not once the drain has begun', async () => {
    const { log, signals, code, drained, reloaded } = serve();
    signals.emit('SIGHUP');
    signals.emit('SIGHUP');
    reloaded.resolve();
    await nextTurn();
    signals.emit('SIGTERM');
    signals.emit('SIGHUP');
    drained.resolve();
    expect(await code).toBe(0);
    expect(log).toEqual(['reload', 'reload', 'SIGTERM', 'drain']);
  });

  it('acts on what it heard during the start when that is over', async () => {
    const start = Promise.withResolvers<void>();
    const { log, signals, code, drained, reloaded } = serve(start.promise);
    signals.emit('SIGHUP');
    await nextTurn();
    expect(log).toEqual([]);
    start.resolve();
    reloaded.resolve();
    await nextTurn();
    expect(log).toEqual(['reload']);
    signals.emit('SIGTERM');
    drained.resolve();
    expect(await code).toBe(0);
  });

  it('drains after the start when it was told to stop during it, and ends at once when it was told twice', async () => {
    const start = Promise.withResolvers<void>();
    const patient = serve(start.promise);
    patient.signals.emit('SIGHUP');
    patient.signals.emit('SIGTERM');
    const hasty = serve(new Promise(() => {}));
    hasty.signals.emit('SIGTERM');
    hasty.signals.emit('SIGTERM');
    expect(await hasty.code).toBe(143);
    expect(hasty.log).toEqual(['SIGTERM']);
    start.resolve();
    patient.drained.resolve();
    expect(await patient.code).toBe(0);
    expect(patient.log).toEqual(['SIGTERM', 'drain']);
  });

  it('passes on why it could not start', async () => {
    const { code, signals } = serve(Promise.reject(new Error('the port is taken')));
    await expect(code).rejects.toThrow('the port is taken');
    expect(signals.eventNames()).toEqual([]);
  });

  it.each(['drained', 'reloaded'] as const)('passes on an unexpected failure (%s)', async (which) => {
    const { signals, code, [which]: failing } = serve();
    signals.emit(which === 'drained' ? 'SIGTERM' : 'SIGHUP');
    failing.reject(new Error('a bug'));
    await expect(code).rejects.toThrow('a bug');
  });

  it('leaves no listener behind', async () => {
    const { signals, code, drained } = serve();
    expect(signals.eventNames()).toEqual(['SIGTERM', 'SIGINT', 'SIGHUP']);
    signals.emit('SIGTERM');
    drained.resolve();
    await code;
    expect(signals.eventNames()).toEqual([]);
  });
});
