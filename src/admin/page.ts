import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

/** A file that the dashboard is made of. */
export interface PageFile {
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
  readonly etag: string;
}

/** Where `npm run dashboard` puts the files, seen from the sources and from the package alike. */
const builtFolder = new URL('../../dist/dashboard/', import.meta.url);

const files = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/dashboard/app.js', 'app.js', 'text/javascript; charset=utf-8'],
  ['/dashboard/app.css', 'app.css', 'text/css; charset=utf-8'],
  ['/dashboard/icon.svg', 'icon.svg', 'image/svg+xml'],
] as const;

/** Paths that are answered without the token: the page holds nothing of an instance, and asks for the token itself. */
export const pagePaths: readonly string[] = files.map(([path]) => path);

const notBuilt =
  'The dashboard is not built. In a checkout, `npm run dashboard` builds it; then start Fairlead again.\n';

/**
 * The page runs what Fairlead serves and talks to nobody else; nothing may frame it, and no text becomes markup or code.
 * https://www.w3.org/TR/CSP3/
 */
const headers = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-frame-options': 'DENY',
  // Kept by the browser, but asked for again each time: a Fairlead that was updated brings another page.
  'cache-control': 'no-cache',
} as const;

/** Reads the dashboard's files from a folder; undefined when they were not built. */
export function loadPage(folder: URL = builtFolder): PageFile[] | undefined {
  try {
    return files.map(([path, name, contentType]) => {
      const body = readFileSync(fileURLToPath(new URL(name, folder)));
      const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
      return { path, contentType, body, etag: `"${digest}"` };
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Serves the dashboard at `/`; where it was not built, `/` says how to. */
export function addPage(app: FastifyInstance, page: readonly PageFile[] | undefined): void {
  if (page === undefined) {
    app.get('/', async (_request, reply) => reply.code(503).type('text/plain; charset=utf-8').send(notBuilt));
    return;
  }
  for (const { path, contentType, body, etag } of page) {
    app.get(path, async (request, reply) => {
      reply.headers({ ...headers, etag });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type(contentType).send(body);
    });
  }
}
