import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { HeldSignals } from '../../src/cli/held-signals.ts';
import type { SignalName } from '../../src/cli/io.ts';

function start() {
  const source = new EventEmitter();
  const ends: number[] = [];
  const signals = new HeldSignals(source, (code) => ends.push(code));
  const heard: SignalName[] = [];
  const listen = (name: SignalName) => signals.on(name, () => heard.push(name));
  return { source, signals, ends, heard, listen };
}

describe('signals that are held', () => {
  it('are given to the first who listens, as often as they came', () => {
    const { source, heard, ends, listen } = start();
    for (const name of ['SIGHUP', 'SIGTERM', 'SIGHUP']) source.emit(name);
    listen('SIGTERM');
    listen('SIGHUP');
    listen('SIGHUP');
    expect(heard).toEqual(['SIGTERM', 'SIGHUP', 'SIGHUP']);
    expect(ends).toEqual([]);
  });

  it('pass on at once when somebody listens, until that ends', () => {
    const { source, signals, heard, ends } = start();
    const listener = () => heard.push('SIGINT');
    signals.on('SIGINT', listener);
    for (let n = 0; n < 2; n++) source.emit('SIGINT');
    signals.off('SIGINT', listener);
    source.emit('SIGINT');
    expect({ heard, ends }).toEqual({ heard: ['SIGINT', 'SIGINT'], ends: [] });
    expect(source.listenerCount('SIGINT')).toBe(0);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('end the process when a second %s comes', (name, code) => {
    const { source, ends } = start();
    for (let n = 0; n < 2; n++) source.emit(name);
    expect(ends).toEqual([code]);
  });
});
