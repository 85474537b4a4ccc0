import { describe, expect, it } from 'vitest';
import { CookieBook, type CookiePlan } from '../../src/proxy/sticky-cookie.ts';
import { poolSite, seatsOf } from './sticky-stage.ts';

const plan: CookiePlan = { name: 'fl', ttlMs: 0, secret: 's3cret', secure: false };

function stage(changes: Partial<CookiePlan> = {}) {
  const seats = seatsOf(poolSite(3).site);
  const time = { ms: 1_000_000_000 };
  const make = (more: Partial<CookiePlan> = {}) =>
    new CookieBook({ ...plan, ...changes, ...more }, seats, () => time.ms);
  return { seats, time, make, book: make() };
}

function valueIn(line: string): string {
  return /^Set-Cookie: fl=([\w-]+);/.exec(line)![1]!;
}

describe('the cookies of a route', () => {
  it('tell the backend, and nothing about it', () => {
    const { seats, book } = stage();
    const values = seats.map((seat) => valueIn(book.lineFor(seat)));
    expect(new Set(values).size).toBe(3);
    expect(values.map((value) => book.read(value)?.seat)).toEqual(seats);
    for (const value of values) expect(value).toMatch(/^[\w-]{24}$/);
  });

  it.each<[string, Partial<CookiePlan>, string]>([
    ['with the browser', {}, '; Path=/; HttpOnly; SameSite=Lax\r\n'],
    ['after a ttl', { ttlMs: 3_600_000 }, '; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax\r\n'],
    ['and go over TLS only', { secure: true }, '; Path=/; HttpOnly; SameSite=Lax; Secure\r\n'],
  ])('end %s', (_name, changes, attributes) => {
    const { seats, book } = stage(changes);
    expect(book.lineFor(seats[0]!)).toMatch(/^Set-Cookie: fl=[\w-]{24}; /);
    expect(book.lineFor(seats[0]!).endsWith(attributes)).toBe(true);
  });

  it('are the same in every worker and after a restart, and others with another secret', () => {
    const { seats, book, make } = stage();
    const line = book.lineFor(seats[1]!);
    expect(make().lineFor(seats[1]!)).toBe(line);
    expect(make({ secret: 'other' }).read(valueIn(line))).toBeUndefined();
    expect(make({ secret: '' }).read(valueIn(line))).toBeUndefined();
    expect(make({ secret: '' }).read(valueIn(make({ secret: '' }).lineFor(seats[1]!)))?.seat).toBe(seats[1]);
  });

  it('are not found when somebody makes them up', () => {
    const { book } = stage({ ttlMs: 60_000 });
    for (const value of ['', 'b0', 'A'.repeat(24), '__proto__', 'constructor']) {
      expect(book.read(value)).toBeUndefined();
    }
  });

  it('live for their ttl from the last renewal, and are renewed from a quarter of it on', () => {
    const { seats, book, time } = stage({ ttlMs: 4000 });
    time.ms = 8000;
    const value = valueIn(book.lineFor(seats[0]!));
    expect(book.read(value)).toEqual({ seat: seats[0], ageing: false });
    time.ms = 8999;
    expect(book.read(value)?.ageing).toBe(false);
    time.ms = 9000;
    expect(book.read(value)).toEqual({ seat: seats[0], ageing: true });
    const renewed = valueIn(book.lineFor(seats[0]!));
    expect(renewed).not.toBe(value);
    time.ms = 12_999;
    expect(book.read(value)?.seat).toBe(seats[0]);
    time.ms = 13_000;
    expect(book.read(value)).toBeUndefined();
    expect(book.read(renewed)?.seat).toBe(seats[0]);
  });

  it('are told by an instance that was started after they were made', () => {
    const { seats, book, time, make } = stage({ ttlMs: 4000 });
    const value = valueIn(book.lineFor(seats[2]!));
    time.ms += 3000;
    expect(make().read(value)).toEqual({ seat: seats[2], ageing: true });
  });

  it('hold no more than the values that are good, however many are asked for', () => {
    const { seats, book, time } = stage({ ttlMs: 4000 });
    const values = new Set<string>();
    for (let i = 0; i < 100; i++) {
      time.ms += 1000;
      values.add(valueIn(book.lineFor(seats[0]!)));
    }
    expect([...values].filter((value) => book.read(value) !== undefined)).toHaveLength(5);
    for (let i = 0; i < 1_000_000; i++) if (book.read(`forged ${i}`) !== undefined) throw new Error(`forged ${i}`);
  });
});
