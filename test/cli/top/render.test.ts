import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paintFor } from '../../../src/cli/colour.ts';
import { renderTop } from '../../../src/cli/top/render.ts';
import { firstView, press, type View } from '../../../src/cli/top/view.ts';
import { fakeIo } from '../fake-io.ts';
import { backend, snapshot } from './stage.ts';

const plain = paintFor(fakeIo().stdout, {});
const coloured = paintFor(fakeIo().stdout, { FORCE_COLOR: '1' });

const before = snapshot({
  apps: [backend('app-1', { total: 1000, failures: 1 }), backend('127.0.0.1:3002', { total: 500 })],
  db: [backend('primary', { health: 'down' })],
});
const now = snapshot(
  {
    apps: [
      backend('app-1', { total: 4000, failures: 3, active: 12, latencyMs: { p50: 1.234, p99: 45.6 } }),
      backend('127.0.0.1:3002', { total: 1500, state: 'draining', weight: 20 }),
    ],
    db: [backend('primary', { health: 'down', healthReason: 'connection refused' })],
  },
  { atMs: 2000 },
);
const view: View = { ...firstView(before), before, now };

describe('the screen', () => {
  it('is readable on 80 columns', () => {
    expect(renderTop(view, { columns: 80, rows: 12 }, plain).map((line) => line.trimEnd())).toEqual(
      [
        'fairlead 1.2.3  ready                          up 1h 2m, generation 7, 1/1 workers',
        'web 12 open, 0 new/s | db 0 open, 0 new/s',
        '',
        'POOL/BACKEND                STATUS    WT ACTIVE   REQ/S FAIL/S     P50     P99',
        'apps/app-1                  up         1     12    1500    1.0  1.23ms  45.6ms',
        'apps/127.0.0.1:3002         draining  20      0     500      0       -       -',
        'db/primary                  down       1      0       0      0       -       -',
        ...Array(4).fill(''),
        'q quit  h help  s sort  d drain  x disable  e enable  +/- weight   by file order',
      ].map((line) =>
        expect.stringMatching(new RegExp(`^${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, ' +')}$`)),
      ),
    );
  });

  it('shows more where it is wider', () => {
    const [, , , titles, first, , third] = renderTop(view, { columns: 160, rows: 9 }, plain);
    expect(titles).toMatch(/^POOL\/BACKEND +STATUS +WT +ACTIVE +REQ\/S +SHARE +FAIL\/S +P50 +P99 +TOTAL +WHY +$/);
    expect(first).toMatch(/ 1500 +75\.0% +1\.0 .* 4000 +fine +$/);
    expect(third).toMatch(/connection refused +$/);
  });

  it('is never larger than the terminal, whatever is in it', () => {
    const size = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 60 }) });
    const names = fc.array(fc.string({ minLength: 1, maxLength: 40 }), { minLength: 0, maxLength: 80 });
    const keys = fc.array(fc.constantFrom('down', 'end', 's', 'r', 'd', 'h', 'page-up'), { maxLength: 5 });
    fc.assert(
      fc.property(size, names, keys, (screen, ids, pressed) => {
        const many = snapshot({
          'a pool': ids.map((id, n) => backend(`${id}${n}`, { total: n * 1e9, active: n ** 6 })),
        });
        const shown = pressed.reduce((one, key) => press(one, key).view, firstView(many));
        const lines = renderTop(shown, screen, plain);
        expect(lines.length).toBe(screen.rows);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(screen.columns);
        expect(lines.join('')).not.toMatch(/[\0-\x1f\x7f-\x9f]/);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the chosen row in sight', () => {
    const many = snapshot({ p: Array.from({ length: 100 }, (_, n) => backend(`b${n}`)) });
    const chosen = { ...firstView(many), chosen: { pool: 'p', backend: 'b70' } };
    const lines = renderTop(chosen, { columns: 80, rows: 20 }, coloured);
    expect(lines.find((line) => line.startsWith('\u001b[7m'))).toContain('p/b70 ');
  });

  it('marks what is wrong by colour', () => {
    const notReady = {
      ...view,
      now: { ...now, readiness: { ready: false, reasons: ['no backend of pool db is healthy'] } },
    };
    const lines = renderTop(notReady, { columns: 120, rows: 9 }, coloured);
    expect(lines[0]).toContain('\u001b[31mnot ready: no backend of pool db is healthy');
    expect(lines[5]).toMatch(/^\u001b\[33mapps\/127/);
    expect(lines[6]).toMatch(/^\u001b\[31mdb\/primary/);
  });

  it('says what is asked, what happened, and helps', () => {
    const last = (one: View) => renderTop(one, { columns: 80, rows: 20 }, plain).at(-1);
    expect(last(press(view, 'd').view)).toBe('Drain apps/app-1? y/n');
    expect(last({ ...view, message: 'apps/app-1 is draining' })).toBe('apps/app-1 is draining');
    const help = renderTop(press(view, '?').view, { columns: 80, rows: 20 }, plain).join('\n');
    expect(help).toContain('q, Ctrl-C        quit');
    expect(help).not.toContain('apps/app-1');
  });
});
