import { describe, expect, test } from 'vitest';
import { NameBook } from '../../src/runtime/name-book.ts';
import { createResolver, type Resolver } from '../../src/support/resolve.ts';
import { FakeClock } from '../support/fake-clock.ts';

const ROUND_MS = 5000;
const web = { kind: 'tcp', host: 'web.example', port: 80 } as const;

/** A book over a resolver whose answers can be held up: while `slow`, they wait in `held` for what they are to be. */
function bookOver(ips: string[]) {
  const clock = new FakeClock();
  const state = { ips, slow: false, asked: 0, changes: 0, held: [] as ((ips: string[]) => void)[] };
  const resolver: Resolver = {
    resolve() {
      state.asked++;
      if (!state.slow) return Promise.resolve(state.ips);
      return new Promise((done) => state.held.push(done));
    },
  };
  const book = new NameBook(resolver, clock, () => state.changes++);
  const dialled = () => book.endpointsOf(web).map((endpoint) => ('host' in endpoint ? endpoint.host : endpoint.path));
  return { clock, state, book, dialled };
}

describe('names of backends', () => {
  test('are asked for once a round; a change is told, and nothing else', async () => {
    const { clock, state, book, dialled } = bookOver(['10.0.0.2', '10.0.0.1']);
    await book.watch([web.host, '192.0.2.1']);
    expect(dialled()).toEqual(['10.0.0.1', '10.0.0.2']);
    state.ips = ['10.0.0.1', '10.0.0.2'];
    await clock.advance(ROUND_MS);
    expect([state.asked, state.changes]).toEqual([2, 0]);
    state.ips = ['10.0.0.3'];
    await clock.advance(ROUND_MS);
    expect([state.asked, state.changes]).toEqual([3, 1]);
    expect(dialled()).toEqual(['10.0.0.3']);
  });

  test('are not asked for when there are none', async () => {
    const { clock, state, book } = bookOver([]);
    await book.watch(['192.0.2.1', '::1']);
    expect([state.asked, clock.pending]).toEqual([0, 0]);
  });

  test('are asked for no more often after reloads during slow look-ups', async () => {
    const { clock, state, book } = bookOver(['10.0.0.1']);
    await book.watch([web.host]);
    for (let reload = 0; reload < 3; reload++) {
      state.slow = true;
      await clock.advance(ROUND_MS);
      state.slow = false;
      await book.watch([web.host]);
      state.held.pop()!(['10.0.0.1']);
      await clock.advance(0);
      expect(clock.pending).toBe(1);
    }
    state.asked = 0;
    await clock.advance(10 * ROUND_MS);
    expect(state.asked).toBe(10);
  });

  test('that moved are told of by a look-up that a reload overtook', async () => {
    const { clock, state, book, dialled } = bookOver(['10.0.0.1']);
    await book.watch([web.host]);
    state.slow = true;
    await clock.advance(ROUND_MS);
    state.slow = false;
    await book.watch([web.host]);
    state.held.pop()!(['10.0.0.2']);
    await clock.advance(0);
    expect(state.changes).toBe(1);
    expect(dialled()).toEqual(['10.0.0.2']);
  });
});

test('a name that moves is noticed by the next round, and a look-up that fails changes nothing', async () => {
  const clock = new FakeClock();
  const ips = ['10.0.0.1'];
  const none = async (): Promise<string[]> => [];
  const resolve4 = async (): Promise<string[]> => [...ips];
  const resolver = createResolver(clock, { hosts: async () => '', resolve4, resolve6: none, lookup: none });
  const changes: number[] = [];
  const book = new NameBook(resolver, clock, () => changes.push(clock.now()));
  await book.watch([web.host]);
  await clock.advance(4 * ROUND_MS + 100);
  ips[0] = '10.0.0.2';
  await clock.advance(ROUND_MS);
  expect(changes).toEqual([5 * ROUND_MS]);
  ips.pop();
  await clock.advance(100 * ROUND_MS);
  expect(changes).toHaveLength(1);
  expect(book.endpointsOf(web)).toEqual([{ host: '10.0.0.2', port: 80 }]);
});

describe('once closed', () => {
  test.each(['round', 'reload'])('a %s that is under way neither tells nor goes on', async (what) => {
    const { clock, state, book } = bookOver(['10.0.0.1']);
    await book.watch([web.host]);
    state.slow = true;
    if (what === 'round') await clock.advance(ROUND_MS);
    else void book.watch([web.host]);
    book.close();
    state.held.pop()!(['10.0.0.2']);
    await clock.advance(0);
    expect([state.changes, clock.pending]).toEqual([0, 0]);
  });
});
