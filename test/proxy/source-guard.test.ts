import { describe, expect, it } from 'vitest';
import { BanTable, createBanMemory, DEFAULT_BANS } from '../../src/pool/ban-table.ts';
import { createLimitMemory, DEFAULT_RATE_KEYS, LimitTable } from '../../src/pool/limit-table.ts';
import { liftBan, SourceGuard } from '../../src/proxy/source-guard.ts';

function stage(bad = { count: 2, intervalMs: 1000 }) {
  const clock = { now: 1_000_000 };
  const told: string[] = [];
  const now = () => clock.now;
  const rates = createLimitMemory(DEFAULT_RATE_KEYS, 0, () => 0.4);
  const bans = createBanMemory(DEFAULT_BANS, () => 0.4);
  const tables = { bans: new BanTable(bans, 0, now), rates: new LimitTable(rates, 0, now) };
  const guard = new SourceGuard(
    { bad, notFound: undefined, banMs: 5000 },
    {
      ...tables,
      listener: 'web',
      trusts: (source) => source === '192.0.2.99',
      onBan: ({ network, cause }) => told.push(`${network} ${cause}`),
    },
  );
  const lift = (network: string) => liftBan(network, 'web', tables);
  return { guard, clock, told, lift, bytes: () => rates.cells.byteLength + bans.cells.byteLength };
}

describe('a guard', () => {
  it('bans with the first event that is one too many, tells of it once, and ends what is open', async () => {
    const { guard, told } = stage();
    const cut: string[] = [];
    for (const name of ['a', 'b']) guard.watch({ cut: () => cut.push(name) }, '192.0.2.1');
    guard.watch({ cut: () => cut.push('other') }, '192.0.2.2');
    for (let i = 0; i < 5; i++) guard.note('bad-request', '192.0.2.1');
    expect([told, guard.bars('192.0.2.1'), guard.bars('192.0.2.2')]).toEqual([['192.0.2.1 bad-request'], true, false]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(cut).toEqual(['a', 'b']);
  });

  it('ends nothing when the ban was lifted before that was heard of', async () => {
    const { guard, told, lift } = stage();
    for (let i = 0; i < 3; i++) guard.note('bad-request', '192.0.2.1');
    expect([told.length, lift('192.0.2.1'), guard.bars('192.0.2.1')]).toEqual([1, true, false]);
    const cut: string[] = [];
    guard.watch({ cut: () => cut.push('later') }, '192.0.2.1');
    await new Promise((resolve) => setImmediate(resolve));
    guard.cut('192.0.2.1');
    expect(cut).toEqual([]);
  });

  it('takes a /64 for one source, and an IPv4 address for one however it is written', () => {
    const { guard } = stage();
    for (const end of ['1', '2', '3']) guard.note('tls-handshake', `2001:db8::${end}`);
    for (let i = 0; i < 3; i++) guard.note('tls-handshake', '::ffff:192.0.2.1');
    expect(['2001:db8::9', '2001:db8:0:1::9', '192.0.2.1'].map((source) => guard.bars(source))).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('counts nothing against proxies, clients without an address, and for what is not abnormal or not limited', () => {
    const { guard, told } = stage();
    for (let i = 0; i < 9; i++) {
      for (const source of ['192.0.2.99', '']) guard.note('bad-request', source);
      for (const reason of ['no-route', 'rate-limited', 'saturated']) guard.note(reason, '192.0.2.1');
    }
    expect([told, guard.bars('192.0.2.99'), guard.bars('')]).toEqual([[], false, false]);
  });

  it('takes its rate, for ever', () => {
    const { guard, clock, told } = stage();
    for (let i = 0; i < 1000; i++) {
      guard.note('bad-request', '192.0.2.1');
      clock.now += 1000;
    }
    expect(told).toEqual([]);
  });

  it('of a million sources keeps no more than the tables hold, and nothing of what has ended', () => {
    const { guard, told, bytes } = stage({ count: 1, intervalMs: 1000 });
    const before = bytes();
    const connection = { cut: () => {} };
    for (let i = 0; i < 1_000_000; i++) {
      const source = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
      guard.watch(connection, source);
      guard.note('bad-request', source);
      if (i % 50 === 0) guard.note('bad-request', source);
      guard.forget(connection);
    }
    expect([bytes(), guard.watched, told.length]).toEqual([before, 0, 20_000]);
  });
});
