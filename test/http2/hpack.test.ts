import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FieldList } from '../../src/http2/field.ts';
import { HpackDecoder } from '../../src/http2/hpack-decoder.ts';
import { HpackEncoder } from '../../src/http2/hpack-encoder.ts';
import { huffmanDecode, huffmanEncode, huffmanLength } from '../../src/http2/huffman.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** The fields of a block, each as `name: value`; undefined when it is none. */
function decode(decoder: HpackDecoder, block: Buffer, list = new FieldList(300, 65_536)): string[] | undefined {
  if (!decoder.decode(block, 0, block.length, list)) return undefined;
  return list.fields.slice(0, list.count).map(({ name, value }) => `${name}: ${value}`);
}

const request = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const second = [...request, 'cache-control: no-cache'];
const third = [
  ':method: GET',
  ':scheme: https',
  ':path: /index.html',
  ':authority: www.example.com',
  'custom-key: custom-value',
];
const date = 'Mon, 21 Oct 2013 20:13';
const rest = ['cache-control: private', `date: ${date}:21 GMT`, 'location: https://www.example.com'];
const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const answers = [
  [':status: 302', ...rest],
  [':status: 307', ...rest],
  [
    ':status: 200',
    'cache-control: private',
    `date: ${date}:22 GMT`,
    'location: https://www.example.com',
    'content-encoding: gzip',
    cookie,
  ],
];

// RFC 7541 Appendix C; a change of the table's size stands for the SETTINGS that C.5 and C.6 begin with.
const vectors: [string, string[], string[][]][] = [
  ['C.2.1', ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'], [['custom-key: custom-header']]],
  ['C.2.2', ['040c 2f73 616d 706c 652f 7061 7468'], [[':path: /sample/path']]],
  ['C.2.3', ['1008 7061 7373 776f 7264 0673 6563 7265 74'], [['password: secret']]],
  ['C.2.4', ['82'], [[':method: GET']]],
  [
    'C.3',
    [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    [request, second, third],
  ],
  [
    'C.4',
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    [request, second, third],
  ],
  [
    'C.5',
    [
      `3fe1 01 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d
      546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153
      444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e
      3d31`,
    ],
    answers,
  ],
  [
    'C.6',
    [
      `3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
      8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b
      3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ],
    answers,
  ],
];

describe('HPACK', () => {
  it.each(vectors)('reads the examples of %s', (_, blocks, fields) => {
    const decoder = new HpackDecoder();
    expect(blocks.map((block) => decode(decoder, hex(block)))).toEqual(fields);
  });

  const broken: [string, string][] = [
    ['the number 0', '80'],
    ['a number beyond both tables', 'be'],
    ['a number without an end', '7f ff ff ff'],
    ['a number with too many octets', '7f 80 80 80 80 80 01'],
    ['a literal without a value', '00 01 61'],
    ['a text that is cut off', '00 01 61 05 61'],
    ['a literal whose name nobody has', '7f 30 01 61'],
    ['a larger table than was allowed', '3f e2 1f'],
    ['a change of size behind a field', '82 20'],
    ['three changes of size', '20 3f e1 1f 20'],
    ['padding of more than seven bits', '00 01 61 82 1f ff'],
    ['padding with a 0 in it', '00 01 61 81 18'],
    ['the end of a string in a string', '00 01 61 84 ff ff ff ff'],
  ];

  it.each(broken)('refuses %s', (_, block) => {
    expect(decode(new HpackDecoder(), hex(block))).toBeUndefined();
  });

  it('keeps count of a list that is too large, and reads on', () => {
    const decoder = new HpackDecoder();
    const list = new FieldList(2, 65_536);
    expect(decode(decoder, hex('82 86 400161 0162'), list)).toEqual([':method: GET', ':scheme: http']);
    expect(list.tooLarge).toBe(true);
    const small = new FieldList(300, 60);
    expect(decode(decoder, hex('be be'), small)).toEqual(['a: b']);
    expect(small.tooLarge).toBe(true);
    expect(decode(decoder, hex('be'), small)).toEqual(['a: b']);
    expect(small.tooLarge).toBe(false);
  });

  it('forgets the oldest entries first, and all when the table is to be empty', () => {
    const decoder = new HpackDecoder();
    expect(decode(decoder, hex('3f 2f 4001610131 4001620132 4001630133'))).toHaveLength(3);
    // 78 bytes: two entries of 34, the third has pushed the first out.
    expect(decode(decoder, hex('be bf'))).toEqual(['c: 3', 'b: 2']);
    expect(decode(decoder, hex('c0'))).toBeUndefined();
    expect(decode(decoder, hex('20'))).toEqual([]);
    expect(decode(decoder, hex('be'))).toBeUndefined();
  });

  it('survives any bytes', () => {
    const decoder = new HpackDecoder();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        decode(decoder, Buffer.from(bytes));
      }),
      { numRuns: 3000 },
    );
  });
});

const latin = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});

describe("Huffman's code", () => {
  it('gives back what went in, as short as it said', () => {
    fc.assert(
      fc.property(latin, (text) => {
        const bytes = Buffer.alloc(400);
        const end = huffmanEncode(text, bytes, 0);
        expect(end).toBe(huffmanLength(text));
        expect(huffmanDecode(bytes, 0, end)).toBe(text);
      }),
    );
  });
});

describe('what the encoder writes', () => {
  /** Encodes one head, and has it read by a peer's decoder. */
  function pass(encoder: HpackEncoder, decoder: HpackDecoder, fields: readonly (readonly [string, string])[]) {
    const block = Buffer.alloc(20_000);
    let at = encoder.status(block, encoder.begin(block, 0), 200);
    for (const [name, value] of fields) at = encoder.field(block, at, name, value);
    return { read: decode(decoder, block.subarray(0, at)), length: at };
  }

  it('is read as what it was, whatever comes again and however the table changes', () => {
    const names = fc.constantFrom('Server', 'server', 'content-length', 'X-A', 'x-b', 'date', 'set-cookie', 'x-long');
    const values = fc.oneof(latin, fc.constantFrom('1', '2', '3', 'nginx', 'y'.repeat(300), 'z'.repeat(200)));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(fc.tuple(names, values), { maxLength: 12 }), fc.option(fc.nat(5000))), {
          maxLength: 12,
        }),
        (heads) => {
          const encoder = new HpackEncoder();
          const decoder = new HpackDecoder();
          for (const [fields, size] of heads) {
            if (size !== null) encoder.resize(size);
            const { read } = pass(encoder, decoder, fields);
            expect(read).toEqual([':status: 200', ...fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`)]);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is a byte for what comes again, from the third time on', () => {
    const [encoder, decoder] = [new HpackEncoder(), new HpackDecoder()];
    const fields = [
      ['Server', 'a-server-of-its-own'],
      ['Content-Type', 'text/of-its-own'],
    ] as const;
    pass(encoder, decoder, fields);
    pass(encoder, decoder, fields);
    expect(pass(encoder, decoder, fields).length).toBe(3);
  });

  it('puts no secret and nothing that is new each time into the table', () => {
    const [encoder, decoder] = [new HpackEncoder(), new HpackDecoder()];
    const fields = [
      ['Set-Cookie', 'id=secret'],
      ['Content-Length', '12345'],
    ] as const;
    const lengths = [1, 2, 3, 4].map(() => pass(encoder, decoder, fields).length);
    expect(new Set(lengths).size).toBe(1);
    expect(decode(decoder, hex('be'))).toBeUndefined();
  });

  it('tells the peer of a table that became smaller and large again', () => {
    const encoder = new HpackEncoder();
    encoder.resize(0);
    encoder.resize(100_000);
    const block = Buffer.alloc(20);
    const end = encoder.begin(block, 0);
    expect(block.subarray(0, end).toString('hex')).toBe('203fe11f');
    expect(encoder.begin(block, 0)).toBe(0);
  });
});
