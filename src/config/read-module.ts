import { pathToFileURL } from 'node:url';
import { types } from 'node:util';
import type { ParsedText } from './parse-text.ts';

/** Time a module has to be evaluated: it may await what it needs, but not for ever. */
const LONGEST_MS = 30_000;

let imports = 0;

/**
 * Imports a config module anew and takes its default export. Its problems all stand at line 1, their keys are exact.
 * Only the module itself is fresh each time: what it imports stays as it was first loaded, and Node forgets neither.
 */
export async function readModule(file: string, path: string, longestMs = LONGEST_MS): Promise<ParsedText> {
  const url = pathToFileURL(path);
  url.searchParams.set('generation', String(++imports));
  const problem = (message: string): ParsedText => ({
    ok: false,
    problems: [{ file, line: 1, column: 1, key: '', message }],
  });
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), longestMs);
  try {
    const exports: { readonly default?: unknown } | undefined = await Promise.race([import(url.href), late]);
    if (exports === undefined)
      return problem(`the module is not done after ${longestMs / 1000} s: is there an await that never ends?`);
    if (exports.default === undefined)
      return problem('no default export, expected `export default defineConfig({ … })`');
    if (types.isPromise(exports.default))
      return problem('the default export is a promise, expected a config: write `export default await …`');
    const locate = () => ({ line: 1, column: 1 });
    return { ok: true, value: exports.default, source: { file, locate }, problems: [] };
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return problem(`the module failed: ${reason.split('\n')[0]}`);
  } finally {
    clearTimeout(timer);
  }
}
