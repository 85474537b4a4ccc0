import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vitest/node';

/** The top folder of the repository, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the repository: its path from the top folder, with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A node of the ESTree that the parser returns; what else it holds depends on its type. */
export interface SyntaxNode {
  readonly type: string;
  /** Offset of the first character in the text, in UTF-16 units. */
  readonly start: number;
  /** Offset behind the last character. */
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Reads the files that match the patterns, sorted by path; a pattern that matches nothing adds nothing. */
export function readFiles(...patterns: string[]): SourceFile[] {
  const exclude = ['**/node_modules/**', 'dist/**'];
  const paths = new Set(patterns.flatMap((pattern) => globSync(pattern, { cwd: root, exclude })));
  return [...paths].sort().map((path) => ({ path, text: readFileSync(root + path, 'utf8') }));
}

/** The syntax tree of a TypeScript file, by the parser that Vitest brings along; throws, naming the file, when broken. */
export function parse(file: SourceFile): SyntaxNode {
  try {
    return parseAst(file.text, { lang: file.path.endsWith('.tsx') ? 'tsx' : 'ts' }) as unknown as SyntaxNode;
  } catch (cause) {
    throw new Error(`${file.path} is not TypeScript`, { cause });
  }
}

/** Calls `visit` for the node and everything below it, parents first, with the nodes above it, nearest last. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, above: readonly SyntaxNode[]) => void,
  above: readonly SyntaxNode[] = [],
): void {
  visit(node, above);
  const path = [...above, node];
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit, path);
  }
}

/** Whether a value found in a node is a node itself. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';
}

/** The line, from 1, on which an offset of the text lies. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** How many lines of the text hold more than blanks. */
export function filledLines(text: string): number {
  return text.split('\n').filter((line) => line.trim() !== '').length;
}
