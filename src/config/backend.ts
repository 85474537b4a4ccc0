import { formatPath, type Path } from './problem.ts';
import type { BackendConfig } from './schema.ts';
import { backendSchema } from './schema-pool.ts';
import { findingsOf } from './words.ts';

/** A backend, or all that is wrong with it. */
export type ReadBackend =
  | { readonly ok: true; readonly backend: BackendConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads a backend of a pool that is not written in a config, by the rules and in the words of one. */
export function readBackend(pool: string, written: object): ReadBackend {
  const result = backendSchema.safeParse(written);
  if (result.success) return { ok: true, backend: result.data };
  const root = { pools: { [pool]: { backends: [written] } } };
  const at: Path = ['pools', pool, 'backends', 0];
  const problems = findingsOf(result.error.issues, root, at).map(({ path, message, hint }) => {
    const key = formatPath(path.slice(at.length));
    return `${key === '' ? '' : `${key}: `}${message}${hint === undefined ? '' : ` (${hint})`}`;
  });
  return { ok: false, problems };
}
