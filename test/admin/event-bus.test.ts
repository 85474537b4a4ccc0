import { describe, expect, it } from 'vitest';
import { EventBus } from '../../src/admin/event-bus.ts';
import type { EventBody, EventKind, FairleadEvent } from '../../src/admin/events.ts';
import { FakeClock } from '../support/fake-clock.ts';

const died = (worker: number): EventBody => ({ kind: 'worker', worker, to: 'died', reason: '' });
const open: EventBody = { kind: 'instance', to: 'open' };

function start(limits: ConstructorParameters<typeof EventBus>[1] = {}, kinds?: ReadonlySet<EventKind>) {
  const clock = new FakeClock();
  const bus = new EventBus(clock, limits);
  const heard: FairleadEvent[] = [];
  const stop = bus.listen((event) => heard.push(event), kinds);
  return { clock, bus, heard, stop };
}

/** What is in the data of frames. */
function read(frames: readonly string[]): FairleadEvent[] {
  return frames.map((frame) => JSON.parse(/^data: (.*)$/m.exec(frame)![1]!));
}

describe('the events', () => {
  it('are told with an id of their own and the time, until one stops listening', () => {
    const { bus, heard, stop } = start();
    bus.publish(died(1));
    bus.publish(open);
    stop();
    bus.publish(died(2));
    expect(heard).toMatchObject([died(1), open]);
    expect(new Set(heard.map(({ id }) => id)).size).toBe(2);
    expect(heard[0]!.at).toBe(new Date(heard[0]!.at).toISOString());
  });

  it('are told only to those who want their kind', () => {
    const { bus, heard } = start({}, new Set<EventKind>(['instance']));
    expect([bus.wants('worker'), bus.wants('instance')]).toEqual([false, true]);
    bus.publish(died(1));
    bus.publish(open);
    expect(heard).toMatchObject([open]);
    bus.listen(() => undefined);
    expect(bus.wants('worker')).toBe(true);
  });

  it('that pass are told and not kept', () => {
    const { bus, heard } = start();
    bus.pass({ kind: 'drain', pool: 'web', backend: 'a', active: 3 });
    expect(heard).toMatchObject([{ id: null, active: 3 }]);
    expect(bus.latest(9)).toEqual([]);
  });

  it('are frames of one id, one event and one line of data, whatever is in them', () => {
    const { bus } = start();
    bus.publish({ kind: 'worker', worker: 0, to: 'died', reason: 'a\r\nevent: forged\n\n<b>' });
    const [frame] = bus.latest(1);
    expect(frame).toMatch(/^id: \S+\nevent: worker\ndata: \{.*\}\n\n$/);
    expect(read([frame!])[0]).toMatchObject({ reason: 'a\r\nevent: forged\n\n<b>' });
  });
});

describe('what is kept', () => {
  it('is the latest, at most so many, of the kinds that are wanted', () => {
    const { bus } = start({ kept: 3 });
    bus.publish(open);
    for (let worker = 0; worker < 4; worker++) bus.publish(died(worker));
    expect(read(bus.latest(9))).toMatchObject([died(1), died(2), died(3)]);
    expect(read(bus.latest(2))).toMatchObject([died(2), died(3)]);
    expect(bus.latest(0)).toEqual([]);
    expect(bus.latest(9, new Set<EventKind>(['instance']))).toEqual([]);
  });

  it('goes on after the event that was seen last, and says when some between are gone', () => {
    const { bus, heard } = start({ kept: 2 });
    for (let worker = 0; worker < 4; worker++) bus.publish(died(worker));
    const told = (event: number) => {
      const { frames, missed } = bus.after(heard[event]!.id!);
      return { workers: read(frames).map((each) => each.kind === 'worker' && each.worker), missed };
    };
    expect(told(3)).toEqual({ workers: [], missed: false });
    expect(told(2)).toEqual({ workers: [3], missed: false });
    expect(told(1)).toEqual({ workers: [2, 3], missed: false });
    expect(told(0)).toEqual({ workers: [2, 3], missed: true });
  });

  it.each(['', 'x', '-', '0-1', '9'.repeat(400), 'zzzz-1'])(
    'is told whole to one who was elsewhere before (%s)',
    (id) => {
      const { bus } = start();
      bus.publish(open);
      expect(bus.after(id)).toMatchObject({ frames: [expect.any(String)], missed: true });
    },
  );

  it('is told whole to one who comes with an id of the future', () => {
    const { bus, heard } = start();
    bus.publish(open);
    const [epoch] = heard[0]!.id!.split('-');
    expect(bus.after(`${epoch}-7`)).toMatchObject({ frames: [expect.any(String)], missed: true });
  });
});

describe('too many events of a kind', () => {
  it('are counted, told of at the end of the second, and leave the other kinds alone', async () => {
    const { bus, clock, heard } = start({ perSecond: 2 });
    for (let worker = 0; worker < 5; worker++) bus.publish(died(worker));
    bus.publish(open);
    expect(heard).toMatchObject([died(0), died(1), open]);
    await clock.advance(1000);
    expect(heard.slice(3)).toMatchObject([{ kind: 'skipped', of: 'worker', count: 3 }]);
    bus.publish(died(9));
    await clock.advance(1000);
    expect(heard.slice(4)).toMatchObject([died(9)]);
    expect(clock.pending).toBe(0);
  });

  it('leave no timer behind', () => {
    const { bus, clock } = start();
    bus.publish(open);
    bus.close();
    expect(clock.pending).toBe(0);
  });
});
