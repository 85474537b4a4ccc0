import { dirname, posix } from 'node:path';
import { isNode, lineAt, parse, type SourceFile, type SyntaxNode, walk } from './source.ts';

/** One import of a file, of whatever kind: static, re-export, dynamic or of a type. */
export interface ImportEdge {
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
  /** The names that are imported; `*` for a whole module, and for what is not known before it runs. */
  readonly names: readonly string[];
  /** True when nothing of it is left when the code runs. */
  readonly typesOnly: boolean;
  /** The path in the repository that a relative specifier names; undefined for a package or a Node module. */
  readonly to: string | undefined;
}

/** What a folder of src may import: other folders of src by name, or everything but what is named behind `except`. */
export type FolderRule = readonly string[] | { readonly except: readonly string[] };

const importing = new Set(['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration']);

/** Every import of a file in the order of the text. */
export function importsOf(file: SourceFile): ImportEdge[] {
  const edges: ImportEdge[] = [];
  walk(parse(file), (node) => {
    const source = importing.has(node.type)
      ? node['source']
      : node.type === 'ImportExpression' || node.type === 'TSImportType'
        ? node['source']
        : undefined;
    if (!isNode(source) || typeof source['value'] !== 'string') return;
    const specifier = source['value'];
    const to = specifier.startsWith('.') ? posix.join(dirname(file.path), specifier) : undefined;
    const line = lineAt(file.text, node.start);
    edges.push({ from: file.path, line, specifier, names: namesIn(node), typesOnly: isOfTypes(node), to });
  });
  return edges;
}

function isOfTypes({ type, importKind, exportKind }: SyntaxNode): boolean {
  return type === 'TSImportType' || importKind === 'type' || exportKind === 'type';
}

function namesIn(node: SyntaxNode): string[] {
  const specifiers = Array.isArray(node['specifiers']) ? (node['specifiers'] as SyntaxNode[]) : [];
  const names = specifiers.map(({ imported, local }) => {
    const name = node.type === 'ImportDeclaration' ? imported : local;
    return isNode(name) && typeof name['name'] === 'string' ? name['name'] : '*';
  });
  return names.length === 0 ? ['*'] : names;
}

/** Imports between folders of src that the table does not allow; a folder the table does not know is a breach too. */
export function folderBreaches(edges: readonly ImportEdge[], rules: Readonly<Record<string, FolderRule>>): string[] {
  const breaches = new Set<string>();
  for (const { from, line, to } of edges) {
    const [folder, other] = [folderOf(from), to === undefined ? undefined : folderOf(to)];
    const rule = rules[folder];
    if (rule === undefined) breaches.add(`src/${folder}: not in the table of folders`);
    else if (other !== undefined && other !== folder && !allows(rule, other))
      breaches.add(`${from}:${line}: ${folder} must not import ${other} (${to})`);
  }
  return [...breaches];
}

/** What the modules of sockets have that opens none. */
const harmlessNames = new Set(['isIP', 'isIPv4', 'isIPv6']);

/** Imports of Node's modules or packages that a folder has to do without. */
export function moduleBreaches(
  edges: readonly ImportEdge[],
  forbidden: Readonly<Record<string, readonly string[]>>,
): string[] {
  return edges
    .filter(({ names }) => !names.every((name) => harmlessNames.has(name)))
    .filter(({ from, specifier }) =>
      forbidden[folderOf(from)]?.some((name) => specifier === name || specifier.startsWith(`${name}/`)),
    )
    .map(({ from, line, specifier }) => `${from}:${line}: ${folderOf(from)} must not import ${specifier}`);
}

/** Specifiers that do not run as they stand: relative ones name a `.ts` or `.json` file, Node's own start with `node:`. */
export function specifierBreaches(
  edges: readonly ImportEdge[],
  exists: (path: string) => boolean,
  builtins: readonly string[],
): string[] {
  const breaches: string[] = [];
  for (const { from, line, specifier, to } of edges) {
    const at = `${from}:${line}: '${specifier}'`;
    if (to !== undefined) {
      if (!/\.(tsx?|json)$/.test(specifier)) breaches.push(`${at} does not name a .ts file`);
      else if (!exists(to)) breaches.push(`${at} names no file`);
    } else if (/^[/#]|^file:/.test(specifier)) breaches.push(`${at} is neither relative nor a package`);
    else if (!specifier.startsWith('node:') && builtins.includes(specifier))
      breaches.push(`${at} lacks the prefix node:`);
  }
  return breaches;
}

/** Import cycles, each as the chain of its files from the first in the alphabet back to it; types count. */
export function cycles(edges: readonly ImportEdge[]): string[] {
  const next = Map.groupBy(edges, (edge) => edge.from);
  const found = new Set<string>();
  const done = new Set<string>();
  const chain: string[] = [];
  const follow = (path: string): void => {
    const start = chain.indexOf(path);
    if (start !== -1) found.add(fromFirst(chain.slice(start)));
    if (start !== -1 || done.has(path)) return;
    chain.push(path);
    for (const { to } of next.get(path) ?? []) if (to !== undefined) follow(to);
    chain.pop();
    done.add(path);
  };
  for (const path of next.keys()) follow(path);
  return [...found];
}

function fromFirst(ring: readonly string[]): string {
  const first = ring.indexOf([...ring].sort()[0]!);
  return [...ring.slice(first), ...ring.slice(0, first), ring[first]].join(' → ');
}

function allows(rule: FolderRule, folder: string): boolean {
  return 'except' in rule ? !rule.except.includes(folder) : rule.includes(folder);
}

/** `pick` for src/pick/p2c.ts, the file's own name for a file that lies in src itself, '' outside src. */
function folderOf(path: string): string {
  const [top, folder] = path.split('/');
  return top === 'src' && folder !== undefined ? folder : '';
}
