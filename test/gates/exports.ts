import { isNode, lineAt, parse, type SourceFile, type SyntaxNode } from './source.ts';

/**
 * Exports of a file that no doc comment stands before. One comment does for the overloads of a function and for
 * constants on lines without a gap. What is passed on from another file has its comment there.
 */
export function bareExports(file: SourceFile): string[] {
  const tree = parse(file);
  const statements = (tree['body'] as SyntaxNode[]).filter(
    (node) => (node.type === 'ExportNamedDeclaration' && isNode(node['declaration'])) || isDefault(node),
  );
  const bare: string[] = [];
  let covered: SyntaxNode | undefined;
  for (const node of statements) {
    if (isCommented(file.text, node.start) || (covered && sharesComment(file.text, covered, node))) covered = node;
    else bare.push(`${file.path}:${lineAt(file.text, node.start)}: ${exportedName(node)} has no doc comment`);
  }
  return bare;
}

/** Whether two exports are overloads of one function, or constants on lines that follow each other. */
function sharesComment(text: string, before: SyntaxNode, node: SyntaxNode): boolean {
  const constants = [before, node].every(({ declaration }) => isNode(declaration) && 'declarations' in declaration);
  return constants ? /^\n *$/.test(text.slice(before.end, node.start)) : exportedName(before) === exportedName(node);
}

function isDefault(node: SyntaxNode): boolean {
  return node.type === 'ExportDefaultDeclaration';
}

function isCommented(text: string, start: number): boolean {
  const before = text.slice(0, start).trimEnd();
  const opening = before.lastIndexOf('/*');
  return before.endsWith('*/') && before.startsWith('/**', opening);
}

function exportedName(node: SyntaxNode): string {
  if (isDefault(node)) return 'the default export';
  const declaration = node['declaration'] as SyntaxNode;
  const list = Array.isArray(declaration['declarations'])
    ? (declaration['declarations'] as SyntaxNode[])
    : [declaration];
  const names = list.map(({ id }) => (isNode(id) && typeof id['name'] === 'string' ? id['name'] : 'a pattern'));
  return names.join(', ');
}
