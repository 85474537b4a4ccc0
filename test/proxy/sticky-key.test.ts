import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { type KeyPlace, keyListener, keyReader } from '../../src/proxy/sticky-key.ts';
import { requestHead, responseHead } from './sticky-stage.ts';

const bySid: KeyPlace = { kind: 'query', name: 'sid' };

describe('the key of a session in a request', () => {
  it.each<[string, KeyPlace, string, string[], string | undefined]>([
    ['a cookie', { kind: 'cookie', name: 'fl' }, '/', ['Cookie: a=1; fl=x; b=2'], 'x'],
    ['the first cookie of several', { kind: 'cookie', name: 'fl' }, '/', ['Cookie: fl=x; fl=y'], 'x'],
    ['no cookie', { kind: 'cookie', name: 'fl' }, '/', ['Cookie: FL=x'], undefined],
    ['a header in any case', { kind: 'header', name: 'X-Session' }, '/', ['x-session: abc'], 'abc'],
    ['no header', { kind: 'header', name: 'X-Session' }, '/', [], undefined],
    ['a parameter', bySid, '/socket.io/?EIO=4&sid=A%2Db_&t=1', [], 'A-b_'],
    ['a parameter of another case', bySid, '/?SID=a', [], undefined],
    ['an empty parameter', bySid, '/?sid=', [], undefined],
    ['no query', bySid, '/sid=a', [], undefined],
    ['a key of the longest kind', bySid, `/?sid=${'k'.repeat(256)}`, [], 'k'.repeat(256)],
    ['a key that is too long', bySid, `/?sid=${'k'.repeat(257)}`, [], undefined],
  ])('is read from %s', (_name, place, target, fields, expected) => {
    expect(keyReader(place)(requestHead(target, ...fields))).toBe(expected);
  });
});

/** What is heard of a body that comes in pieces. */
function heardIn(...pieces: string[]): string[] {
  const heard: string[] = [];
  const listener = keyListener(bySid, (key) => heard.push(key));
  listener.onAnswerHead(responseHead('200 OK'));
  for (const piece of pieces) listener.onAnswerBody(Buffer.from(`..${piece}..`), 2, 2 + Buffer.byteLength(piece));
  return heard;
}

describe('the key of a session in an answer', () => {
  it.each<[string, string[], string[]]>([
    ['is the member of a JSON text', ['{"sid":"abc","upgrades":[]}'], ['abc']],
    ['is found behind the marks of other protocols', ['96:0{"sid" : "a-B_1"}'], ['a-B_1']],
    ['is put together from pieces', ['0{"si', 'd":"ab', 'c"', ',"sid":"late"}'], ['abc']],
    ['is text in UTF-8', ['{"sid":"ä"}'], ['ä']],
    ['is nothing that has an escape', ['{"sid":"a\\u0062"}'], []],
    ['is nothing of another name', ['{"ssid":"a","xsid":"b","SID":"c","sid":1}'], []],
    ['is nothing too long', [`{"sid":"${'k'.repeat(257)}"}`], []],
    ['is heard up to 4 KiB', [`${' '.repeat(4096 - 9)}"sid":"a"`], ['a']],
    ['is not heard behind 4 KiB', [`${' '.repeat(4096 - 8)}"sid":"a"`, '"sid":"a"'], []],
  ])('%s', (_name, pieces, expected) => {
    expect(heardIn(...pieces)).toEqual(expected);
  });

  it('is heard of a name that means something in a regular expression', () => {
    const heard: string[] = [];
    const listener = keyListener({ kind: 'query', name: 'a.b[0]' }, (key) => heard.push(key));
    listener.onAnswerHead(responseHead('200 OK'));
    const body = Buffer.from('{"aXb[0]":"no","a.b[0]":"yes"}');
    listener.onAnswerBody(body, 0, body.length);
    expect(heard).toEqual(['yes']);
  });

  it('is in the field of the same name, when it is in a header', () => {
    const heard: string[] = [];
    const listener = keyListener({ kind: 'header', name: 'X-Session' }, (key) => heard.push(key));
    listener.onAnswerHead(responseHead('200 OK', 'x-session: abc'));
    listener.onAnswerHead(responseHead('200 OK', 'x-other: abc'));
    expect(heard).toEqual(['abc']);
  });

  it('is not looked for in the bytes of another protocol', () => {
    const heard: string[] = [];
    const listener = keyListener(bySid, (key) => heard.push(key));
    listener.onAnswerHead(responseHead('101 Switching Protocols'));
    listener.onAnswerBody(Buffer.from('"sid":"a"'), 0, 9);
    expect(heard).toEqual([]);
  });
});
