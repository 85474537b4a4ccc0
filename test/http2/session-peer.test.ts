import http2, { type ClientHttp2Session } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { socketWires, wires } from '../../src/support/open-wire.ts';
import { Random } from '../fuzz/random.ts';
import { askH2 } from '../support/h2-client.ts';
import { SessionStage } from '../support/h2-session.ts';
import { WireStage } from '../support/wire-stage.ts';

const SEED = 7541;
const REQUESTS = 160;

let stage: WireStage;
let client: ClientHttp2Session;
let server: SessionStage;

const names = ['x-a', 'x-b', 'cookie', 'user-agent', 'accept', 'x-long-name-that-no-table-has', 'etag', 'server'];

/** A value that a field can have: any bytes but control characters, no space around it. */
function someValue(random: Random): string {
  const length = random.pick([0, 1, 5, 20, 20, 300]);
  if (random.oneIn(2)) return random.pick(['', 'gzip', 'text/plain', 'a=1', 'y'.repeat(200)]);
  const codes = Array.from({ length }, () => (random.oneIn(6) ? 0x80 + random.below(128) : 0x20 + random.below(95)));
  return String.fromCharCode(...codes).replace(/^ +| +$/g, '');
}

/** Fields with unlike names. */
function someFields(random: Random): [string, string][] {
  return names.filter(() => random.oneIn(2)).map((name) => [name, someValue(random)]);
}

const linesOf = (fields: readonly (readonly [string, string])[]) =>
  fields.map(([name, value]) => `${name}: ${value}`).sort();

/** The data of a body in chunks. */
function unchunked(text: string): string {
  let data = '';
  for (let pos = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', pos);
    const length = Number.parseInt(text.slice(pos, lineEnd), 16);
    if (length === 0) return data;
    data += text.slice(lineEnd + 2, lineEnd + 2 + length);
    pos = lineEnd + 4 + length;
  }
}

describe.each([
  ['handles', wires],
  ['net.Socket', socketWires],
])('node:http2 as the other side, over %s', (_, maker) => {
  beforeEach(async () => {
    stage = new WireStage(maker);
    const { wire, peer } = await stage.accepted();
    server = new SessionStage(wire);
    server.session.start(undefined);
    const options = { createConnection: () => peer, strictSingleValueFields: false };
    client = http2.connect('http://a.test', options as object);
    client.on('error', () => {});
  });
  afterEach(() => {
    client.destroy();
    stage.clear();
  });

  it('reads the fields and bodies that were sent, and sends those that are read', async () => {
    const answers = new Map<string, [string, string][]>();
    // Answers when the request is whole: with the fields of its own, and the body that came.
    server.onAsked = (asked) => {
      const poll = setInterval(() => {
        const headEnd = asked.text.indexOf('\r\n\r\n') + 4;
        const chunked = asked.text.slice(0, headEnd).includes('transfer-encoding');
        if (chunked && !asked.text.endsWith('0\r\n\r\n')) return;
        clearInterval(poll);
        const body = chunked ? unchunked(asked.text.slice(headEnd)) : '';
        const path = asked.text.split(' ')[1]!;
        const lines = answers.get(path)!.map(([name, value]) => `${name}: ${value}\r\n`);
        const head = `HTTP/1.1 200 OK\r\n${lines.join('')}content-length: ${body.length}\r\n\r\n`;
        asked.wire.writeText(head + body);
      }, 5);
    };
    const one = async (index: number) => {
      const random = new Random(SEED, index);
      const [fields, answer] = [someFields(random), someFields(random)];
      const path = `/${index}`;
      answers.set(path, answer);
      const body = random.oneIn(2) ? undefined : 'b'.repeat(random.pick([1, 100, 20_000, 200_000]));
      const head = { ':path': path, ':method': body === undefined ? 'GET' : 'PUT', ...Object.fromEntries(fields) };
      const got = await askH2(client, head, body === undefined ? {} : { body });
      expect(got.status).toBe(200);
      expect(got.body).toBe(body ?? '');
      const pairs = got.fields.flatMap((name, i) => (i % 2 === 0 ? [[name, got.fields[i + 1]!] as const] : []));
      expect(linesOf(pairs.filter(([name]) => name !== 'content-length'))).toEqual(linesOf(answer));
      const asked = server.asked.find(({ text }) => text.includes(` ${path} `))!;
      const sent = asked.text.slice(0, asked.text.indexOf('\r\n\r\n')).split('\r\n').slice(2);
      expect(sent.filter((line) => !line.startsWith('transfer-encoding')).sort()).toEqual(linesOf(fields));
    };
    for (let from = 0; from < REQUESTS; from += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => one(from + i)));
    }
    expect([server.refused, server.malformed]).toEqual([[], []]);
  });

  it('takes changes of its table and its windows', async () => {
    server.onAsked = ({ wire }) =>
      wire.writeText(`HTTP/1.1 200 OK\r\nServer: me\r\nContent-Length: 9\r\n\r\n123456789`);
    for (const headerTableSize of [4096, 0, 100, 65_536]) {
      for (const initialWindowSize of [65_535, 1, 1_000_000]) {
        await new Promise<void>((resolve) => client.settings({ headerTableSize, initialWindowSize }, () => resolve()));
        for (let i = 0; i < 3; i++) expect(await askH2(client, { ':path': '/' })).toMatchObject({ body: '123456789' });
      }
    }
  });
});
