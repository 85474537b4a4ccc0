import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';
import { runFairlead } from '../support/running.ts';
import { startEveryAnswer } from './every-answer.ts';

/** Where a client goes: the name is always the same, so that requests are. */
interface Way {
  readonly scheme: 'http' | 'https';
  readonly port: number;
}

const HOST = 'clients.test';
/** Fields of answers that end at each hop, which both sides of Fairlead have their own of (RFC 9110 §7.6.1). */
const hopFields = /^(connection|keep-alive):/i;

let folder: string;
let direct: Way;
const through: Record<string, Way> = {};
let serial = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-clients-'));
  await writeFile(join(folder, 'body'), Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255)));
  await writeFile(join(folder, 'seen.lua'), wrkScript);
  const backend = await startEveryAnswer();
  const http = { protocol: 'http', bind: '127.0.0.1:0', pool: 'apps' } as const;
  const lb = await runFairlead({
    listeners: {
      http,
      https: { ...http, tls: new TestAuthority().for(HOST) },
      tcp: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'apps' },
    },
    pools: { apps: { backends: [backend.address], health: { type: 'off' } } },
  });
  direct = { scheme: 'http', port: backend.port };
  for (const { name, addresses } of lb.listeners) {
    through[name] = { scheme: name === 'https' ? 'https' : 'http', port: Number(addresses[0]!.split(':')[1]) };
  }
});
afterAll(async () => {
  await closeOpened();
  await rm(folder, { recursive: true });
});

/** Runs a client to its end. */
async function run(command: string, args: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
  const [code] = (await once(child, 'close')) as [number];
  return { code, out };
}

/** What curl makes of an answer: its exit code, every head and trailer line in order, and the body. */
async function curl({ scheme, port }: Way, path: string, args: readonly string[]): Promise<unknown> {
  const files = join(folder, `curl-${serial++}`);
  const how = ['-sS', '-m', '10', '--noproxy', '*', '-k', '--connect-to', `${HOST}::127.0.0.1:${port}`];
  const where = [
    '-D',
    `${files}.heads`,
    '-o',
    `${files}.body`,
    '-w',
    '%{http_code} %{num_redirects} %{size_upload} %{size_download}',
  ];
  const { code, out } = await run('curl', [...how, ...where, ...args, `${scheme}://${HOST}${path}`]);
  const heads = await readFile(`${files}.heads`, 'latin1').catch(() => '');
  const body = await readFile(`${files}.body`).catch(() => Buffer.alloc(0));
  return {
    // Fairlead passes on that an answer broke off by a reset, which nobody can take for an end.
    code: code === 18 || code === 56 ? 'broken off' : code,
    // The number of bytes in a curl error message differs with what had come before a connection broke.
    out: out.replace(/^curl: .*\n/m, ''),
    heads: heads.split('\r\n').filter((line) => !hopFields.test(line)),
    // With -I curl has its copy of the head there.
    body: args.includes('-I')
      ? ''
      : body.length < 4096
        ? body.toString('latin1')
        : createHash('sha256').update(body).digest('hex'),
  };
}

/** Has wrk note every kind of answer that it sees; one thread, so that there is one table. */
const wrkScript = `
local seen = {}
wrk.headers["Host"] = "${HOST}"
function setup(t) thread = t end
function response(status, headers, body)
  local names = {}
  for name, value in pairs(headers) do
    local lower = name:lower()
    if lower ~= "connection" and lower ~= "keep-alive" then names[#names + 1] = name .. "=" .. value end
  end
  table.sort(names)
  seen[status .. " " .. #body .. " " .. table.concat(names, " ")] = true
  local list = {}
  for kind in pairs(seen) do list[#list + 1] = kind end
  table.sort(list)
  kinds = table.concat(list, "\\n")
end
function done(summary)
  local errors = summary.errors
  io.write("\\nKINDS " .. thread:get("kinds") .. "\\nEND\\n")
  io.write("BROKEN " .. errors.connect + errors.read + errors.write + errors.timeout .. "\\n")
  io.write("SOME " .. tostring(summary.requests > 100) .. "\\n")
end
`;

async function wrk({ scheme, port }: Way, path: string): Promise<unknown> {
  const args = ['-t1', '-c8', '-d1s', '-s', join(folder, 'seen.lua'), `${scheme}://127.0.0.1:${port}${path}`];
  const { code, out } = await run('wrk', args);
  return { code, seen: out.slice(out.indexOf('KINDS')) };
}

/** The lines of ab's report that do not tell of time. */
const abLines = /^(Document|Concurrency|Complete|Failed|Non-2xx|Keep-Alive|HTML|Total body| {3}\(Connect)/;

async function ab({ scheme, port }: Way, path: string, args: readonly string[]): Promise<unknown> {
  const url = `${scheme}://127.0.0.1:${port}${path}`;
  const { code, out } = await run('ab', ['-q', '-n', '200', '-c', '8', '-H', `Host: ${HOST}`, ...args, url]);
  return { code, lines: out.split('\n').filter((line) => abLines.test(line)) };
}

const body = (): string => `@${join(folder, 'body')}`;

/** What each client does: its name and story, and how it is run. */
const curls: readonly (readonly [string, string, () => readonly string[]])[] = [
  ['GET', '/hello', () => []],
  ['a path that is not tidy', '/echo/../echo?a=%2F&b=%zz&&c', () => ['--path-as-is']],
  ['HEAD', '/hello', () => ['-I']],
  ['HEAD of a large body', '/large', () => ['-I']],
  ['a large body', '/large', () => []],
  ['POST of a form', '/echo', () => ['-d', 'a=1&b=2']],
  ['POST of many bytes', '/echo', () => ['--data-binary', body(), '-H', 'Expect:']],
  [
    'PUT with Expect: 100-continue',
    '/echo',
    () => ['-X', 'PUT', '--data-binary', body(), '-H', 'Expect: 100-continue'],
  ],
  [
    'PUT whose expectation fails',
    '/echo',
    () => ['-T', body().slice(1), '-H', 'Expect: 100-continue', '-H', 'X-Refuse: 1'],
  ],
  ['a chunked upload', '/echo', () => ['-T', body().slice(1), '-H', 'Transfer-Encoding: chunked', '-H', 'Expect:']],
  ['DELETE', '/echo', () => ['-X', 'DELETE']],
  ['OPTIONS *', '', () => ['-X', 'OPTIONS', '--request-target', '*']],
  ['a method of its own', '/echo', () => ['-X', 'PROPFIND']],
  [
    'fields of its own',
    '/echo',
    () => ['-H', 'X-OdD-cAsE: v', '-H', 'X-Twice: 1', '-H', 'X-Twice: 2', '-H', 'X-Empty;'],
  ],
  ['cookies and credentials', '/echo', () => ['-b', 'a=1; b=2', '-u', 'user:secret', '-e', 'http://r.test/']],
  ['a range', '/range', () => ['-r', '10-99']],
  ['the rest of a range', '/range', () => ['-r', '2000-']],
  ['a range beyond the end', '/range', () => ['-r', '999999-']],
  ['a compressed answer', '/gzip', () => ['--compressed']],
  ['a compressed answer as it is', '/gzip', () => ['-H', 'Accept-Encoding: gzip']],
  ['a redirect', '/redirect', () => []],
  ['a redirect that is followed', '/redirect', () => ['-L']],
  ['POST, then see other', '/see-other', () => ['-L', '-d', 'x']],
  ['204', '/204', () => []],
  ['304', '/cached', () => ['-H', 'If-None-Match: "v1"']],
  ['200 with an ETag', '/cached', () => ['-H', 'If-None-Match: "v0"']],
  ['chunks', '/chunked', () => []],
  ['chunks as they are', '/chunked', () => ['--raw']],
  ['trailers', '/trailers', () => []],
  ['trailers as they are', '/trailers', () => ['--raw']],
  ['early hints', '/hints', () => []],
  ['an answer that ends with the connection', '/until-close', () => []],
  ['an answer that breaks off', '/broken', () => []],
  ['404', '/nowhere', () => []],
  ['418 with its reason', '/teapot', () => []],
  ['500', '/500', () => ['-f']],
  ['an upgrade', '/upgrade', () => ['-N', '-H', 'Connection: Upgrade', '-H', 'Upgrade: echo']],
  ['an upgrade that is refused', '/no-upgrade', () => ['-H', 'Connection: Upgrade', '-H', 'Upgrade: echo']],
  ['HTTP/1.0', '/hello', () => ['-0']],
  ['HTTP/1.0 POST', '/echo', () => ['-0', '-d', 'a=1']],
  ['HTTP/1.0 and an answer without a length', '/until-close', () => ['-0']],
  ['Connection: close', '/hello', () => ['-H', 'Connection: close']],
];

/** What a client sees of the backend itself; asked once, and compared with all ways through Fairlead. */
const seen = new Map<string, Promise<unknown>>();

async function compare(what: string, use: (way: Way) => Promise<unknown>, kind: string): Promise<unknown> {
  if (!seen.has(what)) seen.set(what, use(direct));
  const expected = await seen.get(what);
  expect(await use(through[kind]!)).toEqual(expected);
  return expected;
}

describe.each(['http', 'https', 'tcp'])('through a listener of kind %s', (kind) => {
  it.each(curls)('curl: %s', async (story, path, args) => {
    await compare(`curl ${story}`, (way) => curl(way, path, ['--http1.1', ...args()]), kind);
  });

  it.each(['/hello', '/echo?a=b', '/chunked'])('wrk: %s', async (path) => {
    const expected = await compare(`wrk ${path}`, (way) => wrk(way, path), kind);
    expect(expected).toMatchObject({ code: 0, seen: expect.stringContaining('BROKEN 0\nSOME true') });
  });

  it.each<[string, string, () => readonly string[]]>([
    ['one request a connection', '/hello', () => []],
    ['keep-alive', '/hello', () => ['-k']],
    ['POST', '/echo', () => ['-k', '-p', body().slice(1), '-T', 'application/octet-stream']],
    ['large answers', '/large', () => ['-k', '-n', '20']],
    ['chunks, which HTTP/1.0 does not have', '/chunked', () => ['-k']],
    ['errors', '/500', () => ['-k']],
    ['HEAD', '/hello', () => ['-k', '-i']],
  ])('ab: %s', async (story, path, args) => {
    const expected = await compare(`ab ${story}`, (way) => ab(way, path, args()), kind);
    expect(expected).toMatchObject({ code: 0, lines: expect.arrayContaining(['Failed requests:        0']) });
  });
});

describe('the tools of this suite', () => {
  it.each([
    ['curl', '--version'],
    ['wrk', '--version'],
    ['ab', '-V'],
  ])('%s is installed', (tool, version) => {
    expect(spawnSync(tool, [version]).error).toBeUndefined();
  });
});
