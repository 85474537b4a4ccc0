import { describe, expect, it } from 'vitest';
import type { EventBody } from '../../src/admin/events.ts';
import { configSchema } from '../../src/config/schema.ts';
import { createLogger } from '../../src/observe/log.ts';
import { createBanMemory } from '../../src/pool/ban-table.ts';
import { createLimitMemory } from '../../src/pool/limit-table.ts';
import { BanDesk } from '../../src/runtime/ban-desk.ts';

function stage() {
  const http = { protocol: 'http', pool: 'app' } as const;
  const { listeners } = configSchema.parse({
    listeners: {
      web: { ...http, bind: ':1', guard: {} },
      api: { ...http, bind: ':2', guard: { bad: '1/h' } },
      open: { ...http, bind: ':3' },
    },
    pools: { app: { backends: ['127.0.0.1:1'] } },
  });
  const told: string[] = [];
  const logLines: string[] = [];
  const events: EventBody[] = [];
  const random = () => 0.5;
  const desk = new BanDesk({
    memory: {
      sources: createLimitMemory(8, 1, random),
      rates: createLimitMemory(8, 0, random),
      bans: createBanMemory(8, random),
    },
    lane: 1,
    listeners: () => listeners,
    events: { publish: (event) => events.push(event) },
    metrics: { banned: (listener, reason) => told.push(`${listener} ${reason}`) },
    logger: createLogger({ level: 'info', output: { write: (line: string) => logLines.push(line) }, color: false }),
    cut: (listener, network) => told.push(`cut ${network} of ${listener}`),
  });
  return { desk, told, logLines, events };
}

describe('a ban by hand', () => {
  it('holds on every listener with a guard, ends what is open, and is told of', () => {
    const { desk, told, logLines } = stage();
    expect(desk.ban({ address: '2001:db8::7' }, 'me')).toEqual(['web', 'api']);
    expect(told).toEqual(['cut 2001:db8:0:0 of web', 'web manual', 'cut 2001:db8:0:0 of api', 'api manual']);
    expect(logLines).toHaveLength(2);
    const shown = desk.list().map(({ address, listener, reason, cause }) => [address, listener, reason, cause]);
    expect(shown.sort()).toEqual([
      ['2001:db8::/64', 'api', 'manual', ''],
      ['2001:db8::/64', 'web', 'manual', ''],
    ]);
    expect([...desk.gauges()].filter(({ active }) => active > 0)).toEqual([
      { listener: 'web', reason: 'manual', active: 1 },
      { listener: 'api', reason: 'manual', active: 1 },
    ]);
  });

  it('may be for one listener, and begins anew when it is set again', () => {
    const { desk } = stage();
    desk.ban({ address: '192.0.2.1', forMs: 1000, listener: 'web' }, 'me');
    expect(desk.ban({ address: '192.0.2.1', listener: 'web' }, 'me')).toEqual(['web']);
    const [ban, ...others] = desk.list();
    expect(others).toEqual([]);
    expect(Date.parse(ban!.until) - Date.parse(ban!.since)).toBe(60_000);
  });

  it('says what is wrong', () => {
    const { desk } = stage();
    expect(desk.ban({ address: 'example.com' }, 'me')).toBe("'example.com' is no IP address");
    expect(desk.ban({ address: '192.0.2.1', listener: 'open' }, 'me')).toBe("there is no listener 'open' with a guard");
  });
});

describe('lifting', () => {
  it('takes an address, or a /64 as it is shown, and says where it was banned', () => {
    const { desk, events } = stage();
    desk.ban({ address: '2001:db8::7', listener: 'api' }, 'me');
    desk.ban({ address: '192.0.2.1', listener: 'web' }, 'me');
    expect(desk.lift('2001:db8::/64', 'me')).toEqual(['api']);
    expect(desk.lift('192.0.2.1', 'me')).toEqual(['web']);
    expect(events).toMatchObject([
      { kind: 'ban', listener: 'api', address: '2001:db8::/64', to: 'banned', reason: 'manual' },
      { kind: 'ban', listener: 'web', address: '192.0.2.1', to: 'banned' },
      { kind: 'ban', listener: 'api', address: '2001:db8::/64', to: 'lifted' },
      { kind: 'ban', listener: 'web', address: '192.0.2.1', to: 'lifted' },
    ]);
    expect([desk.lift('192.0.2.1', 'me'), desk.lift('nobody', 'me'), desk.list()]).toEqual([[], [], []]);
  });
});
