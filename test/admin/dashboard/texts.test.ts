import { describe, expect, it } from 'vitest';
import { eventText, toneOfEvent } from '../../../src/admin/dashboard/event-text.ts';
import { readHeaders } from '../../../src/admin/dashboard/header-lines.ts';
import { type EventKind, eventKinds, type FairleadEvent } from '../../../src/admin/events.ts';

const when = { id: 'x-1', at: '2026-01-02T03:04:05.000Z' };
const change = { kind: 'health', pool: 'web', backend: 'a', from: 'up', reason: 'refused' } as const;

describe('events in words', () => {
  it.each([
    [{ ...change, to: 'down' }, 'a in web is down, was up: refused', 'bad'],
    [{ ...change, to: 'ejected' }, 'a in web is ejected, was up: refused', 'warn'],
    [{ ...change, to: 'up' }, 'a in web is up, was up: refused', 'good'],
    [{ kind: 'reload', result: 'applied', generation: 7, problems: [] }, 'config 7 is in force', 'good'],
    [{ kind: 'reload', result: 'refused', generation: 7, problems: ['x', 'y'] }, 'a config was refused: x; y', 'bad'],
    [{ kind: 'worker', worker: 1, to: 'died', reason: '' }, 'worker 1 died: nobody knows why', 'bad'],
    [{ kind: 'worker', worker: 1, to: 'replaced', reason: '' }, 'worker 1 is replaced', 'good'],
    [{ kind: 'listener', listener: 'web', trouble: 'EMFILE' }, 'listener web: EMFILE', 'bad'],
    [{ kind: 'instance', to: 'draining' }, 'Fairlead drains and will end', 'warn'],
    [{ kind: 'skipped', of: 'health', count: 5 }, '5 more of health in one second', 'plain'],
  ] as const)('%o', (body, text, tone) => {
    const event = { ...body, ...when } as FairleadEvent;
    expect([eventText(event), toneOfEvent(event)]).toEqual([text, tone]);
  });

  it('has words for every kind that is kept', () => {
    const passing: EventKind[] = ['drain'];
    for (const kind of eventKinds.filter((known) => !passing.includes(known))) {
      const event = { kind, problems: [], ...when } as unknown as FairleadEvent;
      expect(eventText(event)).not.toBe(kind);
    }
  });
});

describe('readHeaders', () => {
  it('reads a field from each line', () => {
    expect({ ...readHeaders('x-tier: gold\n\n  cookie:a=b: c \nx-tier:silver\nbare') }).toEqual({
      'x-tier': ['gold', 'silver'],
      cookie: ['a=b: c'],
      bare: [''],
    });
  });

  it('takes any name for a name', () => {
    expect(Object.keys(readHeaders('__proto__: x\nconstructor: y'))).toEqual(['__proto__', 'constructor']);
  });
});
