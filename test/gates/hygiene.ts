import { lineAt, type SourceFile } from './source.ts';

const machinePath = /(?<![\w.~-])\/(?:work|root|home|Users)\/\w/g;
const vagueName = /(?:^|[/.-])(?:utils?|helpers?|managers?|misc|common)(?:[/.-]|$)/i;
const vagueDeclaration = /\b(?:class|interface|type|function|const)\s+(\w*(?:Util|Helper|Manager)s?)\b/g;
const unfinished = /\b(?:TO(?=DO)DO|FIX(?=ME)ME)\b/g;

/** Paths that exist on the machine of whoever wrote them, and nowhere else. */
export function machinePaths(file: SourceFile): string[] {
  return matches(file, machinePath, (text) => `the path '${text}' belongs to one machine`);
}

/** Names that say nothing, of files and of what they declare. */
export function vagueNames(file: SourceFile): string[] {
  const named = vagueName.test(file.path) ? [`${file.path}: a name that says nothing`] : [];
  return [...named, ...matches(file, vagueDeclaration, (_text, name) => `'${name}' is a name that says nothing`)];
}

/** Marks of work that was left for later. */
export function unfinishedMarks(file: SourceFile): string[] {
  return matches(file, unfinished, (text) => `'${text}': finish it or open an issue`);
}

/** What in a package-lock.json ties an install to one registry. */
export function registryTies(lock: string): string[] {
  const { packages } = JSON.parse(lock) as { packages: Record<string, { resolved?: string; link?: boolean }> };
  return Object.entries(packages)
    .filter(([, entry]) => entry.resolved !== undefined && entry.link !== true)
    .map(([name, entry]) => `${name} is tied to ${entry.resolved}`);
}

/** What an .npmrc must say and does not, and what it must not say: where packages come from is the machine's business. */
export function npmrcBreaches(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replaceAll(' ', ''));
  const missing = lines.includes('omit-lockfile-registry-resolved=true')
    ? []
    : ['omit-lockfile-registry-resolved=true is missing'];
  const ties = lines
    .filter((line) => /registry=|_auth|token/i.test(line))
    .map((line) => `'${line}' ties to a registry`);
  return [...missing, ...ties];
}

function matches(file: SourceFile, pattern: RegExp, say: (text: string, group: string) => string): string[] {
  return [...file.text.matchAll(pattern)].map(
    (match) => `${file.path}:${lineAt(file.text, match.index)}: ${say(match[0], match[1] ?? '')}`,
  );
}
