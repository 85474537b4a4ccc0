import { pathToFileURL } from 'node:url';
import type { ParsedText } from './parse-text.ts';

let imports = 0;

/**
 * Imports a config module anew and takes its default export. Its problems all stand at line 1, their keys are exact.
 * Only the module itself is fresh each time: what it imports stays as it was first loaded, and Node forgets neither.
 */
export async function readModule(file: string, path: string): Promise<ParsedText> {
  const url = pathToFileURL(path);
  url.searchParams.set('generation', String(++imports));
  const problem = (message: string): ParsedText => ({
    ok: false,
    problems: [{ file, line: 1, column: 1, key: '', message }],
  });
  try {
    const exports: { readonly default?: unknown } = await import(url.href);
    if (exports.default === undefined)
      return problem('no default export, expected `export default defineConfig({ … })`');
    const locate = () => ({ line: 1, column: 1 });
    return { ok: true, value: exports.default, source: { file, locate }, problems: [] };
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return problem(`the module failed: ${reason.split('\n')[0]}`);
  }
}
