import type { Random } from './random.ts';

/** Single bytes that framing turns on, or that parsers have been seen to take for one of them. */
const BYTES = '\0\t\n\x0b\f\r "#%(),-./0159:;=?@AFX[\\]_abfx\x7f\x80\x85\xa0\xff';

/** Words and lines whose place, number and form are what attacks on framing vary. */
const WORDS: readonly string[] = [
  ...['\r\n', '\r\n\r\n', '\n\n', '\r\r\n', '\n', '\r', ' \r\n ', '\r\n\t', '  ', ' :', ': ', ', '],
  ...[
    '0',
    '1',
    '5',
    '-1',
    '+1',
    '0x1',
    '0\r\n\r\n',
    '1\r\na\r\n',
    '3;x=y\r\n',
    'ffffffffffffffff',
    '00000000000000005',
  ],
  ...['chunked', 'identity', 'gzip', 'close', 'keep-alive', 'upgrade', 'trailers', 'h2c', 'websocket', '100-continue'],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n', 'transfer-encoding:chunked\r\n'],
  ...['Content-Length: 0\r\n', 'Content-Length: 5\r\n', 'content-length: 7\r\n', 'Content-Length: 5, 5\r\n'],
  ...[
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
    'Connection: Host, Content-Length\r\n',
    'Connection: te\r\n',
  ],
  ...[
    'Connection: upgrade\r\n',
    'Upgrade: websocket\r\n',
    'TE: trailers\r\n',
    'Trailer: X\r\n',
    'Expect: 100-continue\r\n',
  ],
  ...[
    'Host: b\r\n',
    'Host:\r\n',
    'X: 1\r\n',
    ' X: 1\r\n',
    'X : 1\r\n',
    ': 1\r\n',
    'X\r\n',
    'Keep-Alive: timeout=5\r\n',
  ],
  ...['HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'GET', 'HEAD', 'POST', 'CONNECT', 'OPTIONS', 'PRI', 'get'],
  ...['/', '*', 'http://b/', '//b', '/a?b', 'GET / HTTP/1.1\r\nHost: c\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'],
  ...[
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early\r\nLink: a\r\n\r\n',
    '100',
    '101',
    '200',
    '204',
    '304',
    '999',
  ],
];

type Mutation = (text: string, random: Random, other: string) => string;

function splice(text: string, from: number, to: number, instead: string): string {
  return text.slice(0, from) + instead + text.slice(to);
}

/** A stretch of the text: mostly short. */
function stretch(text: string, random: Random): readonly [from: number, to: number] {
  const from = random.below(text.length + 1);
  return [from, Math.min(text.length, from + 1 + random.below(random.oneIn(4) ? 64 : 4))];
}

/** Where a line begins, and where it ends with its line end. */
function line(text: string, random: Random): readonly [from: number, to: number] {
  const from = text.lastIndexOf('\n', random.below(text.length + 1) - 1) + 1;
  const end = text.indexOf('\n', from);
  return [from, end < 0 ? text.length : end + 1];
}

const byte = (random: Random): string =>
  random.oneIn(3) ? String.fromCharCode(random.below(256)) : BYTES[random.below(BYTES.length)]!;

const mutations: readonly Mutation[] = [
  (text, random) => {
    const at = random.below(text.length);
    return splice(text, at, at + 1, byte(random));
  },
  (text, random) => {
    const at = random.below(text.length + 1);
    return splice(text, at, at, byte(random));
  },
  (text, random) => {
    const [from, to] = stretch(text, random);
    return splice(text, from, to, '');
  },
  (text, random) => {
    const [from, to] = stretch(text, random);
    return splice(text, to, to, text.slice(from, to));
  },
  (text, random) => {
    const at = random.below(text.length + 1);
    return splice(text, at, at, random.pick(WORDS));
  },
  (text, random) => {
    const [from, to] = stretch(text, random);
    return splice(text, from, to, random.pick(WORDS));
  },
  (text, random) => {
    const [from] = line(text, random);
    return splice(text, from, from, random.pick(WORDS));
  },
  (text, random) => {
    const [from, to] = line(text, random);
    return splice(text, from, to, '');
  },
  (text, random) => {
    const [from, to] = line(text, random);
    const [at] = line(text, random);
    return splice(text, at, at, text.slice(from, to));
  },
  (text, random) => {
    const [from, to] = stretch(text, random);
    const part = text.slice(from, to);
    return splice(text, from, to, random.oneIn(2) ? part.toUpperCase().slice(0, to - from) : part.toLowerCase());
  },
  (text, random) => {
    const digits = [...text.matchAll(/[0-9]/g)];
    if (digits.length === 0) return text;
    const at = random.pick(digits).index;
    return splice(text, at, at + 1, '0123456789'[random.below(10)]!);
  },
  (text, random, other) => {
    const [at] = line(text, random);
    const [from] = line(other, random);
    return text.slice(0, at) + other.slice(from);
  },
  (text, _random, other) => text + other,
  (text, random) => text.slice(0, random.below(text.length + 1)),
];

/** Longer texts are cut: nothing that is looked for needs more. */
const MAX_LENGTH = 4096;

/** A text made of one from `seeds` by a few changes, seldom by none; latin1, as all texts here. */
export function mutant(seeds: readonly string[], random: Random): string {
  let text = random.pick(seeds);
  if (random.oneIn(24)) return text;
  for (let left = 1 + random.below(random.oneIn(3) ? 6 : 2); left > 0; left--) {
    text = random.pick(mutations)(text, random, random.pick(seeds)).slice(0, MAX_LENGTH);
    if (text === '') text = random.pick(seeds);
  }
  // Upper case of some letters beyond ASCII is not latin1.
  return text.replace(/[^\0-\xff]/g, 'y');
}
