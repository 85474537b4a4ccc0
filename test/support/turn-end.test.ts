import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { atNextTurnEnd, atTurnEnd } from '../../src/support/turn-end.ts';

describe('the end of a turn', () => {
  it('comes after what the turn itself does, in the order in which it was asked for', async () => {
    const order: string[] = [];
    atTurnEnd({ afterPoll: () => order.push('first') });
    atTurnEnd({ afterPoll: () => order.push('second') });
    order.push('turn');
    await nextTurn();
    expect(order).toEqual(['turn', 'first', 'second']);
  });

  it('takes in what is asked for while it lasts', async () => {
    const order: string[] = [];
    const inner = { afterPoll: () => order.push('inner') };
    atTurnEnd({
      afterPoll: () => {
        order.push('outer');
        atTurnEnd(inner);
      },
    });
    await nextTurn();
    expect(order).toEqual(['outer', 'inner']);
  });

  it('is told apart from the end of the next one', async () => {
    const order: string[] = [];
    atNextTurnEnd({ afterNextPoll: () => order.push('next') });
    atTurnEnd({ afterPoll: () => order.push('this') });
    await nextTurn();
    expect(order).toEqual(['this']);
    await nextTurn();
    expect(order).toEqual(['this', 'next']);
  });

  it('comes for those of the turn before first, and for what they ask for at once', async () => {
    const order: string[] = [];
    const asked = { afterPoll: () => order.push('asked by the former') };
    atNextTurnEnd({
      afterNextPoll: () => {
        order.push('former');
        atTurnEnd(asked);
      },
    });
    await nextTurn();
    atTurnEnd({ afterPoll: () => order.push('latter') });
    await nextTurn();
    expect(order).toEqual(['former', 'latter', 'asked by the former']);
  });

  it('asked for twice within the end of a turn comes twice', async () => {
    let count = 0;
    const again = { afterNextPoll: () => count++ };
    atTurnEnd({ afterPoll: () => atNextTurnEnd(again) });
    atNextTurnEnd(again);
    await nextTurn();
    await nextTurn();
    expect(count).toBe(2);
  });
});
