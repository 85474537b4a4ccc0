import { describe, expect, it } from 'vitest';
import type { BackendStatus } from '../../src/admin/schema.ts';
import { paintFor } from '../../src/cli/colour.ts';
import { inWords, milliseconds, overviewText } from '../../src/cli/status-text.ts';
import { fakeIo } from './fake-io.ts';

const backend: BackendStatus = {
  id: 'one',
  address: '127.0.0.1:3001',
  weight: 1,
  effectiveWeight: 1,
  state: 'enabled',
  health: 'up',
  healthReason: 'the probe succeeds',
  active: 3,
  total: 1234,
  failures: 0,
  latencyMs: { p50: 1.234, p99: 12.34 },
};

const overview: Parameters<typeof overviewText>[0] = {
  status: {
    version: '1.2.3',
    node: 'v26.0.0',
    pid: 42,
    startedAt: '2026-01-01T00:00:00Z',
    uptimeMs: 90_061_000,
    generation: 7,
    configPath: 'fairlead.yaml',
    workers: [
      { id: 0, state: 'serving', restarts: 0, connections: 1, loopUtilization: 0.5, loopLagMs: 2, overloaded: false },
      { id: 1, state: 'starting', restarts: 2, connections: 0, loopUtilization: 0.5, loopLagMs: 2, overloaded: false },
    ],
    listeners: [
      {
        name: 'web',
        protocol: 'http',
        tls: true,
        bind: [':8080'],
        addresses: ['[::]:8080'],
        active: 1,
        total: 20,
        routes: [],
      },
      { name: 'db', protocol: 'tcp', tls: false, bind: [':5432'], addresses: [], active: 0, total: 0, routes: [] },
    ],
  },
  readiness: { ready: false, reasons: ['listener db is not open', 'no backend of pool apps is healthy'] },
  pools: [
    {
      name: 'apps',
      algorithm: 'p2c',
      healthy: 1,
      active: 3,
      version: 'v-1',
      changes: ['weight of third: 20'],
      leaving: ['third'],
      backends: [
        backend,
        {
          ...backend,
          id: 'a-longer-one',
          health: 'down',
          healthReason: 'connection refused',
          latencyMs: { p50: null, p99: null },
        },
        {
          ...backend,
          id: 'third',
          state: 'draining',
          weight: 20,
          effectiveWeight: 7.5,
          latencyMs: { p50: 123.4, p99: 1234.5 },
        },
      ],
    },
  ],
};

describe('the text of a status', () => {
  it('shows everything in columns', () => {
    const plain = paintFor(fakeIo().stdout, {});
    expect(
      overviewText(overview, plain),
    ).toBe(`fairlead 1.2.3, not ready: listener db is not open; no backend of pool apps is healthy
pid 42, Node v26.0.0, up 1d 1h, config fairlead.yaml (generation 7)
1 of 2 workers serving, 2 restarts

LISTENER  ADDRESS                                   OPEN  TOTAL
web       https://localhost:8080 (every interface)     1     20
db        (not open)                                   0      0

pool apps  p2c, 1 of 3 usable, 3 active
BACKEND       STATE     HEALTH     WEIGHT  ACTIVE  TOTAL  FAILED     P50     P99  WHY
one           enabled   up              1       3   1234       0  1.23ms  12.3ms  the probe succeeds
a-longer-one  enabled   down            1       3   1234       0       -       -  connection refused
third         draining  up      7.5 of 20       3   1234       0   123ms  1235ms  the probe succeeds
  changed at run time: weight of third: 20
  is being removed: third
`);
  });

  it('lets nobody speak to the terminal, be it a name or what an agent says', () => {
    const odd = '\u001b[2J\r\nok\u009b';
    const named = {
      ...overview,
      readiness: { ready: false, reasons: [`pool ${odd} has no healthy backend`] },
      pools: overview.pools.map((pool) => ({
        ...pool,
        name: odd,
        changes: [odd],
        leaving: [odd],
        backends: [{ ...backend, id: odd, healthReason: `the agent says down: ${odd}` }],
      })),
    };
    const text = overviewText(named, paintFor(fakeIo().stdout, {}));
    expect(text).toMatch(/the agent says down: \?\[2J\?\?ok\?$/m);
    expect(text).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/);
    expect(text.split('\n')).toHaveLength(14);
  });

  it('marks what is wrong by colour', () => {
    const paint = paintFor(fakeIo().stdout, { FORCE_COLOR: '1' });
    const text = overviewText(overview, paint);
    expect(text).toContain('\u001b[31mnot ready');
    expect(text).toContain('\u001b[33m1 of 3 usable\u001b[0m');
    expect(text).toMatch(/\u001b\[31ma-longer-one /);
    expect(text).toMatch(/\u001b\[33mthird /);
  });
});

describe('a time in words', () => {
  it.each([
    [0, '0s'],
    [59_999, '59s'],
    [60_000, '1m 0s'],
    [3_725_000, '1h 2m'],
    [90_061_000, '1d 1h'],
  ])('%d ms is %s', (ms, words) => {
    expect(inWords(ms)).toBe(words);
  });

  it.each([
    [null, '-'],
    [0.0421, '0.04ms'],
    [9.994, '9.99ms'],
    [10, '10.0ms'],
    [123.6, '124ms'],
  ])('%s is shown as %s', (ms, shown) => {
    expect(milliseconds(ms)).toBe(shown);
  });
});
