import { LineCounter, parseDocument, type YAMLError } from 'yaml';
import { type ConfigSource, formatPath, type Position, type Problem } from './problem.ts';
import { NodeReader, tooDeep } from './read-nodes.ts';

const mostSyntaxProblems = 20;

/** What a text holds: its value with the places of all of its parts, or what is wrong with its syntax. */
export type ParsedText =
  | { readonly ok: true; readonly value: unknown; readonly source: ConfigSource; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Parses YAML 1.2 (core schema). A key that is there twice, a tag or an unknown alias is a problem; the problems of an
 * `ok` text are such that its value is still worth checking.
 */
export function parseYaml(file: string, text: string): ParsedText {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const syntax = [...document.errors, ...document.warnings];
  if (syntax.length > 0) {
    const deep = syntax.find(isTooDeep);
    const first = new Map((deep ? [deep] : syntax.toReversed()).map((error) => [error.pos[0], inWords(error)]));
    const offsets = [...first.keys()].toSorted((a, b) => a - b).slice(0, mostSyntaxProblems);
    const problems = offsets.map((offset) => ({ file, ...at(lines, offset), key: '', message: first.get(offset)! }));
    return { ok: false, problems };
  }
  const reader = new NodeReader(document.contents, (alias) => alias.resolve(document));
  const source: ConfigSource = { file, locate: (path, part) => at(lines, reader.offsetOf(path, part)) };
  const problems = reader.findings.map(({ path, message, offset }) => ({
    file,
    ...at(lines, offset),
    key: formatPath(path),
    message,
  }));
  return { ok: true, value: reader.value, source, problems };
}

/** Parses JSON (RFC 8259). A key that is there twice is a problem. */
export function parseJson(file: string, text: string): ParsedText {
  if (text.trim() === '') return parseYaml(file, '');
  try {
    JSON.parse(text);
  } catch (error) {
    return { ok: false, problems: [{ file, key: '', ...jsonProblem(error as Error, text) }] };
  }
  // JSON is YAML (YAML 1.2 §1.3), and the YAML parser knows where everything stands.
  return parseYaml(file, text);
}

/** V8 gives a position for some errors and quotes the text for others; there the YAML parser knows more. */
function jsonProblem(error: Error, text: string): Position & { message: string } {
  const place = /^(.*?)(?: in JSON)? at position \d+ \(line (\d+) column (\d+)\)$/.exec(error.message);
  if (place) return { message: place[1]!, line: Number(place[2]), column: Number(place[3]) };
  const lines = new LineCounter();
  const { errors } = parseDocument(text, {
    schema: 'json',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const message = 'this is not JSON, expected e.g. {"listeners": {}}';
  return {
    message: errors[0] === undefined ? message : inWords(errors[0]),
    ...at(lines, errors[0]?.pos[0] ?? text.trimEnd().length),
  };
}

/** The parser goes as deep as the stack of calls does. */
function isTooDeep(error: YAMLError): boolean {
  return error.message.startsWith('Maximum call stack');
}

/** What the parser says, for people who do not call it. */
function inWords(error: YAMLError): string {
  if (isTooDeep(error)) return tooDeep;
  return error.code === 'MULTIPLE_DOCS' ? 'a second document begins here, expected only one' : error.message;
}

function at(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
