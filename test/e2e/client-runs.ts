import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a client goes: the name is always the same, so that requests are. */
export interface Way {
  readonly scheme: 'http' | 'https';
  readonly port: number;
}

/** The host that requests name, whichever way they go. */
export const HOST = 'clients.test';

/** Fields of answers that end at each hop, which both sides of Fairlead have their own of (RFC 9110 §7.6.1). */
const hopFields = /^(connection|keep-alive):/i;

let serial = 0;

/** Runs a client to its end. */
export async function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
  const [code] = (await once(child, 'close')) as [number];
  return { code, out };
}

/** What curl makes of an answer: its exit code, every head and trailer line in order, and the body; its files go into `folder`. */
export async function curl(
  { scheme, port }: Way,
  path: string,
  args: readonly string[],
  folder: string,
): Promise<unknown> {
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
    code: code === 18 || code === 56 || code === 92 ? 'broken off' : code,
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

/** What curl does: its story, the path, and its arguments, given a file that it may send. */
export const curls: readonly (readonly [string, string, (file: string) => readonly string[]])[] = [
  ['GET', '/hello', () => []],
  ['a path that is not tidy', '/echo/../echo?a=%2F&b=%zz&&c', () => ['--path-as-is']],
  ['HEAD', '/hello', () => ['-I']],
  ['HEAD of a large body', '/large', () => ['-I']],
  ['a large body', '/large', () => []],
  ['POST of a form', '/echo', () => ['-d', 'a=1&b=2']],
  ['POST of many bytes', '/echo', (file) => ['--data-binary', `@${file}`, '-H', 'Expect:']],
  [
    'PUT with Expect: 100-continue',
    '/echo',
    (file) => ['-X', 'PUT', '--data-binary', `@${file}`, '-H', 'Expect: 100-continue'],
  ],
  ['PUT whose expectation fails', '/echo', (file) => ['-T', file, '-H', 'Expect: 100-continue', '-H', 'X-Refuse: 1']],
  ['a chunked upload', '/echo', (file) => ['-T', file, '-H', 'Transfer-Encoding: chunked', '-H', 'Expect:']],
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
