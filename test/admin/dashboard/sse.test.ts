import { describe, expect, it } from 'vitest';
import { EventParser } from '../../../src/admin/dashboard/sse.ts';

const parse = (...pieces: string[]) => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe('EventParser', () => {
  it('reads the kind, the data and the id of an event', () => {
    expect(parse('id: x-1\nevent: health\ndata: {"a":1}\n\n')).toEqual([
      { event: 'health', data: '{"a":1}', id: 'x-1' },
    ]);
  });

  it('reads the same in whatever pieces the text comes', () => {
    const text =
      'retry: 1000\n\n: hello\n\nid: 1\nevent: a\ndata: one\ndata: two\n\nid: 2\r\ndata:three\r\n\r\ndata\n\n';
    const whole = parse(text);
    expect(whole).toEqual([
      { event: 'a', data: 'one\ntwo', id: '1' },
      { event: 'message', data: 'three', id: '2' },
      { event: 'message', data: '', id: '2' },
    ]);
    for (let at = 1; at < text.length; at++) expect(parse(text.slice(0, at), text.slice(at))).toEqual(whole);
    expect(parse(...text)).toEqual(whole);
  });

  it('waits for the end of an event', () => {
    expect(parse('event: a\ndata: x\n')).toEqual([]);
  });

  it('takes one space off a value, and a colon as part of it', () => {
    expect(parse('data:  a: b\n\n')[0]!.data).toBe(' a: b');
  });

  it('gives no event for a kind without data, and forgets the kind', () => {
    expect(parse('event: a\n\ndata: x\n\n')).toEqual([{ event: 'message', data: 'x', id: '' }]);
  });
});
