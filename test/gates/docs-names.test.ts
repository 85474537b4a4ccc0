import { describe, expect, it } from 'vitest';
import { codePieces, type KnownNames, linkBreaches, undocumented, unknownNames } from './docs.ts';

const page = (...lines: string[]) => ({ path: 'docs/page.md', text: lines.join('\n') });

describe('codePieces', () => {
  it('finds fenced and inline code with their lines', () => {
    const { text } = page(
      'Say `one` and ``two ` ticks``.',
      '',
      '```yaml',
      'a: `no`',
      '```',
      '',
      '  ~~~',
      'x',
      '  ~~~',
      'then `three`',
    );
    expect(codePieces(text)).toEqual([
      { language: 'yaml', text: 'a: `no`\n', line: 4 },
      { language: '', text: 'x\n', line: 8 },
      { language: 'inline', text: 'one', line: 1 },
      { language: 'inline', text: 'two ` ticks', line: 1 },
      { language: 'inline', text: 'three', line: 10 },
    ]);
  });
});

describe('unknownNames', () => {
  const known: KnownNames = {
    scripts: ['start', 'test', 'bench:peers'],
    commands: ['run', 'check'],
    metrics: ['fairlead_requests_total', 'fairlead_connect_seconds', 'fairlead_workers_count'],
    endpoints: ['/', '/healthz', '/api/pools', '/api/pools/:pool'],
    errors: { 'no-route': 404, saturated: 503 },
  };

  it.each([
    ['npm run nothing', "docs/page.md:1: no npm script 'nothing'"],
    ['run `npm run bench:micro` now', "docs/page.md:1: no npm script 'bench:micro'"],
    ['`fairlead explode`', "docs/page.md:1: no command 'explode'"],
    ['`npx fairlead explode x`', "docs/page.md:1: no command 'explode'"],
    ['`node src/cli/main.ts explode`', "docs/page.md:1: no command 'explode'"],
    ['```sh\n$ fairlead explode\n```', "docs/page.md:2: no command 'explode'"],
    ['\nfairlead_nothing_total', "docs/page.md:2: no metric 'fairlead_nothing_total'"],
    ['`fairlead_connect_seconds_max`', "docs/page.md:1: no metric 'fairlead_connect_seconds_max'"],
    ['curl http://127.0.0.1:9900/api/poools', "docs/page.md:1: no endpoint '/api/poools'"],
    ['`GET /api/pools/web/backends`', "docs/page.md:1: no endpoint '/api/pools/web/backends'"],
    ['`PATCH /api/config`', "docs/page.md:1: no endpoint '/api/config'"],
    ['`Fairlead-Error: no-rout`', "docs/page.md:1: no error code 'no-rout'"],
    ['| `no-route` | 503 |', "docs/page.md:1: 'no-route' is 404 and not 503"],
    ['`saturated` 500', "docs/page.md:1: 'saturated' is 503 and not 500"],
  ])('reports %j', (text, message) => {
    expect(unknownNames(page(text), known)).toEqual([message]);
  });

  it.each([
    '`npm start`, `npm test`, `npm run bench:peers`, `npm ci`',
    '`fairlead run`, `npx fairlead check x`, `node src/cli/main.ts run`',
    'Where fairlead goes in prose is nobody’s command.',
    '`docker build -t fairlead .` and `docker.io/fairlead one`',
    "`import { createFairlead } from 'fairlead'`",
    'fairlead_connect_seconds_bucket, `fairlead_connect_seconds_sum`, fairlead_workers_count',
    '`Fairlead-Error: saturated`, or `saturated` 503, `other` 404',
    'curl http://127.0.0.1:9900/healthz, http://localhost:9900/, `GET /api/pools/:pool`, `GET /api/pools/web`',
    '`GET /ping` and `path: /api/v1/*` are for the backends',
    'every name starts with `fairlead_`',
  ])('accepts %j', (text) => {
    expect(unknownNames(page(text), known)).toEqual([]);
  });
});

describe('undocumented', () => {
  it('names what no page has as a word of its own', () => {
    const pages = [page('`no-route` and `fairlead_requests_total`'), page('npm run bench:peers, GET /api/pools.')];
    const names = [
      'no-route',
      'fairlead_requests_total',
      'bench:peers',
      '/api/pools',
      'route',
      'bench',
      '/api',
      '/pools',
    ];
    expect(undocumented(pages, names)).toEqual(['route', 'bench', '/api', '/pools']);
  });
});

describe('linkBreaches', () => {
  const files: Record<string, string> = {
    'README.md': '# Fairlead\n## What it *is*, and `is not`\n## Twice\n## Twice\n```\n# no heading\n```\n',
    'docs/other.md': '# Other',
    'src/main.ts': '',
  };
  const breaches = (text: string) => linkBreaches(page('', text, '# Here'), (path) => files[path]);

  it.each([
    ['[a](gone.md)', 'gone.md names no file'],
    ['[a](../docs/gone.md#x)', '../docs/gone.md#x names no file'],
    ['![a](gone.svg "Title")', 'gone.svg names no file'],
    ['[a](../README.md#nothing)', '../README.md#nothing names no heading'],
    ['[a](../README.md#no-heading)', '../README.md#no-heading names no heading'],
    ['[a](../README.md#twice-2)', '../README.md#twice-2 names no heading'],
    ['[a](#there)', '#there names no heading'],
  ])('reports %s', (text, message) => {
    expect(breaches(text)).toEqual([`docs/page.md:2: ${message}`]);
  });

  it.each([
    '[a](other.md) and [b](../README.md#fairlead)',
    '[a](../README.md#what-it-is-and-is-not), [b](../README.md#twice-1), [c](#here)',
    '[a](https://example.com/gone.md) and [b](mailto:a@example.com)',
    '[a](../src/main.ts#L4)',
    '```\n[a](gone.md)\n```',
  ])('accepts %j', (text) => {
    expect(breaches(text)).toEqual([]);
  });
});
