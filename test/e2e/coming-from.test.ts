import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codePieces } from '../gates/docs.ts';
import { readFiles } from '../gates/source.ts';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened } from '../support/opened.ts';
import { pageFolder } from '../support/page-folder.ts';
import { has, run } from '../support/servers.ts';

const pieces = codePieces(readFiles('docs/coming-from.md')[0]!.text);
const piecesOf = (language: string) => pieces.filter((piece) => piece.language === language);

let folder: string;
beforeAll(() => {
  folder = pageFolder();
});
afterAll(closeOpened);

/** A piece of nginx's as a whole file, which writes nothing outside of the folder. */
function nginxFile(text: string): string {
  const module = '/usr/lib/nginx/modules/ngx_stream_module.so';
  const isStream = /^stream/m.test(text);
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const places = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n');
  return `${isStream && existsSync(module) ? `load_module ${module};` : ''}
pid ${folder}/nginx.pid;
events {}
${isStream ? text : `http {\naccess_log off;\n${places}\n${text}\n}`}`;
}

async function readBy(command: string, args: readonly string[], text: string): Promise<void> {
  const file = join(folder, 'page.conf');
  writeFileSync(file, text);
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  await run(command, [...args, file], { env, cwd: folder });
}

describe('docs/coming-from.md', () => {
  it('has the same thing in the words of each', () => {
    const counts = ['nginx', 'haproxy', 'yaml'].map((language) => piecesOf(language).length);
    expect(counts).toEqual([3, 2, 7]);
  });

  it.skipIf(skipsWithout(has('nginx'))).each(piecesOf('nginx'))('is understood by nginx, line $line', ({ text }) =>
    readBy('nginx', ['-t', '-e', 'stderr', '-p', folder, '-c'], nginxFile(text)),
  );

  it.skipIf(skipsWithout(has('haproxy'))).each(piecesOf('haproxy'))(
    'is understood by HAProxy, line $line',
    ({ text }) => readBy('haproxy', ['-c', '-f'], text),
  );
});
