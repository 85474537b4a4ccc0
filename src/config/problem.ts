/** One thing that is wrong in a config, or worth a warning, with where it stands. */
export interface Problem {
  /** The file as it was named, or `<config>` for a config handed over in code. */
  readonly file: string;
  /** Line and column start at 1. */
  readonly line: number;
  readonly column: number;
  /** The dotted path of the key, like `pools.web.backends[1].address`; '' for the whole file. */
  readonly key: string;
  /** What is wrong and what was expected. */
  readonly message: string;
  /** What would most likely set it right. */
  readonly hint?: string;
}

/** The steps from the top of a config to a value: keys of objects and indexes of lists. */
export type Path = readonly (string | number)[];

/** A problem before it has a position: all that the checks know. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string | undefined;
  /** What the position points at; the key when it is left out. */
  readonly part?: 'key' | 'value';
}

/** A place in a file; both start at 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a config came from, for whoever has more to say about it. */
export interface ConfigSource {
  readonly file: string;
  /** The position of the value at the path, or of its nearest ancestor that is written; `key` for its key instead. */
  locate(path: Path, part: 'key' | 'value'): Position;
}

const longestQuoteChars = 60;

/** The problem a finding is, with its position. */
export function problemAt(source: ConfigSource, finding: Finding): Problem {
  const { line, column } = source.locate(finding.path, finding.part ?? 'key');
  const hint = finding.hint === undefined ? {} : { hint: finding.hint };
  return { file: source.file, line, column, key: formatPath(finding.path), message: finding.message, ...hint };
}

/** `file:line:column: key: what is wrong, what was expected (hint)`, on one line. */
export function formatProblem(problem: Problem): string {
  const key = problem.key === '' ? '' : `${problem.key}: `;
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`;
  return `${problem.file}:${problem.line}:${problem.column}: ${key}${problem.message}${hint}`;
}

/** A path as people write it: `pools.web.backends[1]`, with quotes around a key that is not a plain word. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[A-Za-z0-9_$-]+$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** A value as a message shows it: text in quotes and cut when long, `nothing` for null, lists and objects by kind. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length <= longestQuoteChars ? value : `${value.slice(0, longestQuoteChars)}…`);
  }
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

/** `did you mean "x"?`, or nothing when there is no x. */
export function didYouMean(word: string | undefined): string | undefined {
  return word === undefined ? undefined : `did you mean ${JSON.stringify(word)}?`;
}
