import { dirname, posix } from 'node:path';
import { lineAt, type SourceFile } from './source.ts';

/** A piece of a page that is set as code. */
export interface CodePiece {
  /** The word behind the fence, '' for none, 'inline' for a piece within a line. */
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

/** What the project has, by name, for a page to be held against. */
export interface KnownNames {
  readonly scripts: readonly string[];
  readonly commands: readonly string[];
  readonly metrics: readonly string[];
  /** The paths of the admin API, `:name` standing for anything. */
  readonly endpoints: readonly string[];
  /** The statuses of the error codes. */
  readonly errors: Readonly<Record<string, number>>;
}

const fence = /^( *)(`{3,}|~{3,})([\w-]*)[^\n]*\n([\s\S]*?)^\1\2 *$/gm;
const inlineCode = /(?<!`)(`+)(?!`)([^\n]+?)(?<!`)\1(?!`)/g;
const link = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const heading = /^#{1,6} +(.+?) *#*$/gm;
const npmScript = /\bnpm (?:run(?:-script)? ([\w:-]+)|(start|test)\b)/g;
const command = /(?:(?<![\w/.@-])fairlead|\bcli\/main\.ts) ([a-z][a-z-]*)\b(?![:/.=])/g;
const metric = /\bfairlead_[a-z_]*[a-z]\b/g;
const endpoint = /:9900(\/[\w/:.-]*)|\b(?:GET|POST|PATCH|DELETE) (\/api\/[\w/:.-]+)/g;
const errorField = /\bFairlead-Error: *`?([a-z]+(?:-[a-z]+)*)/g;
const errorRow = /`([a-z]+(?:-[a-z]+)*)`(?: *\| *| +)`?([45]\d\d)\b/g;

/** Every piece of code of a page, fenced ones first. */
export function codePieces(text: string): CodePiece[] {
  const fenced = [...text.matchAll(fence)].map((match) => ({
    language: match[3]!,
    text: match[4]!,
    line: lineAt(text, match.index) + 1,
  }));
  const inline = [...blankFences(text).matchAll(inlineCode)].map((match) => ({
    language: 'inline',
    text: match[2]!.trim(),
    line: lineAt(text, match.index),
  }));
  return [...fenced, ...inline];
}

/** The names a page uses that do not exist: npm scripts, commands, metrics and error codes with their statuses. */
export function unknownNames(page: SourceFile, known: KnownNames): string[] {
  const at = (line: number, what: string) => `${page.path}:${line}: ${what}`;
  const commands = codePieces(page.text).flatMap((piece) =>
    [...piece.text.matchAll(command)].map((match) => ({ name: match[1]!, line: piece.line })),
  );
  const inText = (pattern: RegExp) =>
    [...page.text.matchAll(pattern)].map((match) => ({ match, line: lineAt(page.text, match.index) }));
  return [
    ...inText(npmScript)
      .filter(({ match }) => !known.scripts.includes(match[1] ?? match[2]!))
      .map(({ match, line }) => at(line, `no npm script '${match[1] ?? match[2]}'`)),
    ...commands
      .filter(({ name }) => !known.commands.includes(name))
      .map(({ name, line }) => at(line, `no command '${name}'`)),
    ...inText(metric)
      .filter(({ match }) => !known.metrics.includes(match[0].replace(/_(bucket|sum|count)$/, '')))
      .filter(({ match }) => !known.metrics.includes(match[0]))
      .map(({ match, line }) => at(line, `no metric '${match[0]}'`)),
    ...inText(endpoint)
      .filter(({ match }) => !known.endpoints.some((path) => isPath(match[1] ?? match[2]!, path)))
      .map(({ match, line }) => at(line, `no endpoint '${match[1] ?? match[2]}'`)),
    ...inText(errorField)
      .filter(({ match }) => !Object.hasOwn(known.errors, match[1]!))
      .map(({ match, line }) => at(line, `no error code '${match[1]}'`)),
    ...inText(errorRow)
      .filter(({ match }) => Object.hasOwn(known.errors, match[1]!) && known.errors[match[1]!] !== Number(match[2]))
      .map(({ match, line }) => at(line, `'${match[1]}' is ${known.errors[match[1]!]} and not ${match[2]}`)),
  ];
}

/** Whether a path is what the pattern describes, a `:name` of its own included. */
function isPath(path: string, pattern: string): boolean {
  const [steps, wanted] = [path.split('/'), pattern.split('/')];
  return steps.length === wanted.length && wanted.every((step, n) => step.startsWith(':') || step === steps[n]);
}

/** Names that exist and that no page has in it. */
export function undocumented(pages: readonly SourceFile[], names: readonly string[]): string[] {
  const words = new Set(pages.flatMap((page) => page.text.match(/[\w$:-]+|\/[\w:/-]*(?:\.\w[\w:/-]*)*/g) ?? []));
  return names.filter((name) => !words.has(name));
}

/** Links to files of the repository that are not there, and to headings that a page does not have. */
export function linkBreaches(page: SourceFile, read: (path: string) => string | undefined): string[] {
  const breaches: string[] = [];
  for (const match of blankFences(page.text).matchAll(link)) {
    const target = match[1]!;
    if (/^[a-z][a-z+.-]*:/i.test(target)) continue;
    const [path = '', anchor] = target.split('#', 2);
    const file = path === '' ? page.path : posix.join(dirname(page.path), path);
    const text = path === '' ? page.text : read(file);
    const at = `${page.path}:${lineAt(page.text, match.index)}: ${target}`;
    if (text === undefined) breaches.push(`${at} names no file`);
    else if (anchor !== undefined && file.endsWith('.md') && !anchorsOf(text).has(anchor))
      breaches.push(`${at} names no heading`);
  }
  return breaches;
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, title] of blankFences(text).matchAll(heading)) {
    const slug = title!
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The text with fenced code replaced by empty lines, so that offsets still give the right lines. */
function blankFences(text: string): string {
  return text.replace(fence, (block) => block.replace(/[^\n]/g, ' '));
}
