import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';
import { runFairlead } from '../support/running.ts';
import { curl, curls, HOST, run, type Way } from './client-runs.ts';
import { startEveryAnswer } from './every-answer.ts';

let folder: string;
let direct: Way;
const through: Record<string, Way> = {};

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
    await compare(
      `curl ${story}`,
      (way) => curl(way, path, ['--http1.1', ...args(join(folder, 'body'))], folder),
      kind,
    );
  });

  it.each(['/hello', '/echo?a=b', '/chunked'])('wrk: %s', async (path) => {
    const expected = await compare(`wrk ${path}`, (way) => wrk(way, path), kind);
    expect(expected).toMatchObject({ code: 0, seen: expect.stringContaining('BROKEN 0\nSOME true') });
  });

  it.each<[string, string, () => readonly string[]]>([
    ['one request a connection', '/hello', () => []],
    ['keep-alive', '/hello', () => ['-k']],
    ['POST', '/echo', () => ['-k', '-p', join(folder, 'body'), '-T', 'application/octet-stream']],
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
