import { describe, expect, it } from 'vitest';
import { Members } from '../../src/support/members.ts';

function member(name: string) {
  return { name, memberIndex: -1 };
}

describe('members', () => {
  it('come and go in any order', () => {
    const members = new Members<ReturnType<typeof member>>();
    const [a, b, c] = [member('a'), member('b'), member('c')];
    for (const one of [a, b, c]) members.add(one);
    expect(members.remove(a)).toBe(true);
    expect(
      members
        .all()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['b', 'c']);
    expect(members.remove(c)).toBe(true);
    expect(members.remove(b)).toBe(true);
    expect(members.size).toBe(0);
    members.add(a);
    expect(members.all()).toEqual([a]);
  });

  it('leave once', () => {
    const members = new Members<ReturnType<typeof member>>();
    const [a, b] = [member('a'), member('b')];
    members.add(a);
    members.add(b);
    expect(members.remove(a)).toBe(true);
    expect(members.remove(a)).toBe(false);
    expect(members.all()).toEqual([b]);
  });

  it('may leave while one goes through them', () => {
    const members = new Members<ReturnType<typeof member>>();
    for (const name of 'abcd') members.add(member(name));
    const seen: string[] = [];
    for (const one of members.all()) {
      seen.push(one.name);
      members.remove(one);
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
    expect(members.size).toBe(0);
  });
});
