import { describe, expect, it } from 'vitest';
import { hash53 } from '../../src/pick/text-hash.ts';
import { BanTable, createBanMemory, DEFAULT_BANS } from '../../src/pool/ban-table.ts';

const web = hash53('web');
const order = { reason: 'bad', cause: 3, forMs: 1000 } as const;

function stage(bans = 64) {
  const clock = { now: 5_000 };
  const memory = createBanMemory(bans, () => 0.37);
  const [one, two] = [0, 1].map((lane) => new BanTable(memory, lane, () => clock.now)) as [BanTable, BanTable];
  return { clock, memory, one, two };
}

describe('a ban', () => {
  it('holds for all threads, for its listener and its time', () => {
    const { clock, one, two } = stage();
    expect(one.add('192.0.2.1', web, order)).toBe(true);
    expect([two.has('192.0.2.1', web), two.has('192.0.2.2', web), two.has('192.0.2.1', hash53('api'))]).toEqual([
      true,
      false,
      false,
    ]);
    clock.now += 999;
    expect(two.has('192.0.2.1', web)).toBe(true);
    clock.now += 1;
    expect(two.has('192.0.2.1', web)).toBe(false);
    expect(two.active()).toEqual([]);
  });

  it('is told of once, however many see it', () => {
    const { clock, one, two } = stage();
    expect([one.add('192.0.2.1', web, order), two.add('192.0.2.1', web, order)]).toEqual([true, false]);
    clock.now += 1000;
    expect(two.add('192.0.2.1', web, order)).toBe(true);
  });

  it('can be lifted', () => {
    const { one, two } = stage();
    one.add('192.0.2.1', web, order);
    expect([two.lift('192.0.2.1', web), two.lift('192.0.2.1', web)]).toEqual([true, false]);
    expect(one.has('192.0.2.1', web)).toBe(false);
    expect(one.add('192.0.2.1', web, order)).toBe(true);
  });

  it('is shown with all that is known of it', () => {
    const { one, two } = stage();
    one.add('192.0.2.255', web, order);
    one.add('2001:db8:0:ff', hash53('api'), { reason: 'manual', cause: 0, forMs: 50 });
    const shown = two.active().sort((a, b) => a.untilMs - b.untilMs);
    expect(shown).toEqual([
      {
        source: '2001:db8:0:ff::/64',
        listener: hash53('api'),
        reason: 'manual',
        cause: 0,
        sinceMs: 5_000,
        untilMs: 5_050,
      },
      { source: '192.0.2.255', listener: web, reason: 'bad', cause: 3, sinceMs: 5_000, untilMs: 6_000 },
    ]);
  });

  it('is for IP addresses only', () => {
    const { one } = stage();
    expect(one.add('', web, order)).toBe(false);
    expect(one.active()).toEqual([]);
  });
});

describe('a million bans', () => {
  it('take no more room than there is, and the longest are kept', () => {
    const { memory, one } = stage(DEFAULT_BANS);
    const bytes = memory.cells.byteLength;
    one.add('192.0.2.1', web, { ...order, forMs: 2000 });
    for (let i = 0; i < 1_000_000; i++) {
      one.add(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, web, order);
    }
    expect([memory.cells.byteLength, one.capacity]).toEqual([bytes, DEFAULT_BANS]);
    expect(one.active().length).toBeLessThanOrEqual(DEFAULT_BANS);
    expect(one.has('192.0.2.1', web)).toBe(true);
  });
});
