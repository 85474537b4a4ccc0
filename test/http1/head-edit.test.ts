import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completedLines, editedLines, HeadEdit, joinedEdit } from '../../src/http1/head-edit.ts';
import { get } from './request-text.ts';
import { requestHeadOf } from './verdict.ts';

/** The names of the client's fields that an edit leaves. */
function left(drop: readonly string[], names: readonly string[]): string[] {
  const head = requestHeadOf(get(...names.map((name) => `${name}: 1`)));
  const edit = new HeadEdit({ drop, lines: '' });
  return Array.from({ length: head.fieldCount }, (_, index) => index)
    .filter((index) => !edit.drops(head, index))
    .map((index) => head.name(index))
    .filter((name) => name !== 'Host');
}

describe('HeadEdit', () => {
  it.each([
    [['x-user'], ['X-User', 'x-user', 'X_USER', 'x_User'], ['X-Users', 'Y-User', 'X-Use', 'XUser', 'X-UserX']],
    [['X_User'], ['X-User', 'x_user'], ['X-Userx']],
    [['x-cert-*'], ['X-Cert-A', 'x_cert_subject', 'X-Cert-', `X-Cert-${'a'.repeat(300)}`], ['X-Cert', 'X-Certs']],
    [['*'], ['A', 'b', '~', '_'], []],
    [
      ['-a', '~b'],
      ['-a', '_A', '~B'],
      ['a', '-b'],
    ],
    [
      ['a', `b${'c'.repeat(300)}`],
      [`B${'C'.repeat(300)}`, 'A'],
      [`b${'c'.repeat(299)}`, `b${'c'.repeat(301)}`],
    ],
    [[], [], ['A']],
  ])('with %j drops %j and leaves %j', (drop, gone, kept) => {
    expect(left(drop, [...gone, ...kept])).toEqual(kept);
  });

  it('drops in a head just the names that it says it drops', () => {
    const name = fc.stringMatching(/^[aB_-]{1,4}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.constantFrom('', '*'))), fc.array(name), (entries, names) => {
        const drop = entries.map((parts) => parts.join(''));
        const edit = new HeadEdit({ drop, lines: '' });
        expect(left(drop, names)).toEqual(names.filter((one) => !edit.dropsName(one)));
      }),
    );
  });

  it.each([
    [['x-forwarded-for'], true],
    [['X_Request_Id'], true],
    [['x-forwarded-*'], true],
    [['x-forwarded'], false],
  ])('with %j drops a field of ours: %j', (drop, ours) => {
    expect(new HeadEdit({ drop, lines: '' }).dropsForwarded).toBe(ours);
  });
});

describe('joinedEdit', () => {
  const first = { drop: ['a'], lines: 'A: 1\r\n' };

  it('does all that the others do, in their order', () => {
    expect(joinedEdit(first, undefined, { drop: ['b'], lines: 'B: 2\r\n' })).toMatchObject({
      drop: ['a', 'b'],
      lines: 'A: 1\r\nB: 2\r\n',
    });
    expect(joinedEdit(joinedEdit(first))).toMatchObject(first);
  });

  it('is nothing when there is nothing to do', () => {
    expect([joinedEdit(), joinedEdit(undefined, { drop: [], lines: '' })]).toEqual([undefined, undefined]);
  });
});

describe('our own answers', () => {
  const lines = 'Content-Type: text/plain\r\nRetry-After: 1\r\n';
  const edit = new HeadEdit({ drop: ['content_type', 'x'], lines: 'Content-Type: a/b\r\nVary: *\r\nVary: a: b\r\n' });

  it('are edited as those of backends are', () => {
    expect(editedLines(lines, edit)).toBe('Retry-After: 1\r\nContent-Type: a/b\r\nVary: *\r\nVary: a: b\r\n');
  });

  it('or only completed', () => {
    expect(completedLines(lines, edit)).toBe(`${lines}Vary: *\r\nVary: a: b\r\n`);
  });
});
