import { isNode, lineAt, parse, type SourceFile, type SyntaxNode, walk } from './source.ts';

/** What a file and a function may measure at most. */
export interface SizeLimits {
  readonly fileLines: number;
  readonly functionLines: number;
  readonly parameters: number;
}

const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
const signatures = new Set([
  'TSDeclareFunction',
  'TSEmptyBodyFunctionExpression',
  'TSMethodSignature',
  'TSFunctionType',
]);

/** Every file, function and parameter list of the file that is over a limit. */
export function sizeBreaches(file: SourceFile, limits: SizeLimits): string[] {
  const breaches: string[] = [];
  const report = (line: number, what: string, size: number, limit: number): void => {
    if (size > limit) breaches.push(`${file.path}:${line}: ${what}: ${size}, at most ${limit}`);
  };
  report(1, 'lines of the file', file.text.replace(/\n$/, '').split('\n').length, limits.fileLines);
  walk(parse(file), (node, above) => {
    if (!functions.has(node.type) && !signatures.has(node.type)) return;
    const owner = ownerOf(node, above);
    const first = lineAt(file.text, owner.start);
    const name = `'${nameOf(owner)}'`;
    const call = rootCall(above.at(-1));
    if (!isTable(call) && !isReplacer(call))
      report(first, `parameters of ${name}`, parameterCount(node), limits.parameters);
    if (functions.has(node.type) && call[0] !== 'describe')
      report(first, `lines of ${name}`, lineAt(file.text, node.end) - first + 1, limits.functionLines);
  });
  return breaches;
}

/** How many parameters callers see: `this` is none, a rest parameter is one. */
function parameterCount(node: SyntaxNode): number {
  const list = Array.isArray(node['params']) ? node['params'] : [];
  return list.filter((parameter) => isNode(parameter) && parameter['name'] !== 'this').length;
}

/** A method's or a named constant's node, for the name and the first line are there and not at the function itself. */
function ownerOf(node: SyntaxNode, above: readonly SyntaxNode[]): SyntaxNode {
  const parent = above.at(-1);
  const carries = parent?.type === 'MethodDefinition' || (parent?.type === 'Property' && parent['value'] === node);
  return parent && (carries || parent.type === 'VariableDeclarator') ? parent : node;
}

function nameOf(owner: SyntaxNode): string {
  const named = owner['id'] ?? owner['key'];
  return isNode(named) && typeof named['name'] === 'string' ? named['name'] : 'a function';
}

/** The words of what is called: `it`, `each` for `it.each([…])('…', …)`; none for what is no call. */
function rootCall(call: SyntaxNode | undefined): string[] {
  const words: string[] = [];
  let callee = call?.type === 'CallExpression' ? call['callee'] : undefined;
  while (isNode(callee)) {
    const { name, property } = callee;
    const word = isNode(property) ? property['name'] : name;
    if (typeof word === 'string') words.unshift(word);
    callee = callee['callee'] ?? callee['object'] ?? callee['tag'];
  }
  return words;
}

/** Whether a call is of a text's replace, which gives its function a parameter for each group of the pattern. */
function isReplacer(words: readonly string[]): boolean {
  return words.at(-1) === 'replace' || words.at(-1) === 'replaceAll';
}

/** Whether a call is of a table of tests, whose function has a parameter for each column. */
function isTable([root, ...words]: readonly string[]): boolean {
  return ['describe', 'it', 'test'].includes(root ?? '') && (words.includes('each') || words.includes('for'));
}
