import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/explain.ts';
import { fakeIo } from './fake-io.ts';

const config = `
listeners:
  web:
    protocol: http
    bind: ":8080"
    routes:
      - { name: beta, match: { host: "*.example.com", header: { x-tier: gold } }, pool: next }
      - { name: api, match: { path: /v1/*, method: [GET, POST] }, pool: next, rewrite: { stripPrefix: /v1 } }
      - { name: gone, match: { path: /old }, redirect: { to: /new } }
      - { name: more, match: { path: /more }, respond: { body: "more\\n" } }
pools:
  next: { backends: [ { name: big, address: "127.0.0.1:3001", weight: 3 }, { address: "127.0.0.1:3002", backup: true } ] }
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-explain-'));
  await writeFile(join(folder, 'fairlead.yaml'), config);
  await writeFile(join(folder, 'bad.yaml'), 'listeners: {}');
  await writeFile(join(folder, 'body'), 'from a file');
});
afterAll(() => rm(folder, { recursive: true }));

async function run(args: string[]) {
  const io = fakeIo({ cwd: folder });
  const code = await main(
    args.map((arg) => arg.replace('@@', folder)),
    io,
  );
  return { code, stdout: io.stdout.text(), stderr: io.stderr.text() };
}

describe('fairlead explain', () => {
  it('says in words what becomes of a request', async () => {
    const { code, stdout, stderr } = await run(['@@/fairlead.yaml', 'http://a.example.com:8080/v1/x']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`Route api of listener web leads to pool next.

listeners
  → web  http :8080: takes it

routes of web
  ✗ beta  header x-tier: wants "gold", got absent
  → api   matches
    2 more, not reached

goes to
  pool next: round-robin
    big, 127.0.0.1:3001, weight 3
    127.0.0.1:3002, weight 1, backup

changes
  target: /v1/x → /x

the backend gets
  GET /x HTTP/1.1
  Host: a.example.com:8080
  X-Forwarded-For: 127.0.0.1
  X-Forwarded-Proto: http
  X-Forwarded-Host: a.example.com:8080
  X-Request-Id: (a new id)

also
  timeout: 30s for all tries together
  retry: up to 2 tries on connect, reset, budget 20%
`);
  });

  it('names every condition that fails, and tells by the exit code that no route matches', async () => {
    const { code, stdout } = await run(['@@/fairlead.yaml', 'PUT', 'http://b.test:8080/x']);
    expect(code).toBe(1);
    expect(stdout).toContain(`No route of listener web matches.

listeners
  → web  http :8080: takes it

routes of web
  ✗ beta  host: wants *.example.com, got b.test
          header x-tier: wants "gold", got absent
  ✗ api   method: wants GET or POST, got PUT
          path: wants /v1/*, got /x
`);
  });

  it('tells of answers of a route', async () => {
    expect((await run(['@@/fairlead.yaml', ':8080/old'])).stdout).toContain('goes to\n  308, Location: /new\n');
    expect((await run(['@@/fairlead.yaml', ':8080/more'])).stdout).toContain('goes to\n  200, "more\\n"\n');
  });

  it('takes headers, a body from a file, a source and a listener, and prints JSON', async () => {
    const options = ['-H', 'x-tier: gold', '-H', 'X-A: 1', '--header', 'X-A:2', '-d', '@body', '--source', '192.0.2.1'];
    const { code, stdout } = await run(['http://a.example.com/', ...options, '--listener', 'web', '--json']);
    expect(code).toBe(0);
    const explanation = JSON.parse(stdout);
    expect(explanation).toMatchObject({
      outcome: 'matched',
      route: { name: 'beta' },
      pool: 'next',
      source: '192.0.2.1',
    });
    expect(explanation.backendHead.split('\n')).toEqual(
      expect.arrayContaining(['POST / HTTP/1.1', 'X-A: 1', 'X-A: 2', 'Content-Length: 11']),
    );
  });

  it('takes the config that is there when none is named', async () => {
    expect((await run(['POST', '/v1/x'])).stdout).toContain('POST /x HTTP/1.1');
    expect((await run(['/v1/x'])).code).toBe(0);
  });

  it('says what is wrong with the config', async () => {
    const { code, stderr } = await run(['@@/bad.yaml', '/']);
    expect(code).toBe(1);
    expect(stderr).toContain('bad.yaml:1:12: listeners: ');
  });

  it.each([
    [[], 'what is to be explained? A URL is missing'],
    [['ftp://a'], 'the URL cannot be read: the scheme ftp is none of http, https, ws, wss, tcp, tls, udp'],
    [['/', '-H', 'nothing'], "-H 'nothing' is not a header, expected 'NAME: VALUE'"],
    [['/', '--source', 'me'], '"me" is not an IP address'],
    [['/', '--listener', 'wab'], "there is no listener 'wab'; did you mean 'web'?"],
    [['a', 'b', 'c', 'd'], "unexpected argument 'd'"],
    [['/', '-d', '@nothing'], expect.stringContaining('ENOENT')],
  ])('refuses %j', async (args, problem) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')[0]!.replace('fairlead explain: ', '')).toEqual(problem);
  });
});
