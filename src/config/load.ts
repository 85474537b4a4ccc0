import { existsSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { checkTls } from './check-tls.ts';
import { crossCheck } from './checks.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { type ParsedText, parseJson, parseYaml } from './parse-text.ts';
import { type ConfigSource, formatPath, type Problem, problemAt, show } from './problem.ts';
import { get, isObject } from './raw.ts';
import { readModule } from './read-module.ts';
import { readText } from './read-text.ts';
import { type AdminConfig, adminSchema, type Config, configSchema } from './schema.ts';
import { takeUnavailable } from './unavailable.ts';
import { findingsOf } from './words.ts';

/** A config that can be run, or every reason why not. */
export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[]; readonly source: ConfigSource }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What loading reads beside the file. */
export interface LoadOptions {
  /** What `${NAME}` reads. */
  readonly env: Environment;
}

/** Where a config stands that was handed over in code. */
const givenSource: ConfigSource = { file: '<config>', locate: () => ({ line: 1, column: 1 }) };

const moduleExtensions = ['.ts', '.mts', '.js', '.mjs', '.cjs'];

/**
 * Reads, fills in, validates and normalizes a config file: YAML or JSON by extension, or a module whose default export
 * is a config. Reports every problem at once, in the order of the file. What a user may do wrong never throws.
 */
export async function loadConfig(path: string, options: LoadOptions): Promise<Loaded> {
  const parsed = await parseFile(path);
  if (!parsed.ok) return parsed;
  if (parsed.value === null) return whole(path, 'the file is empty, expected at least listeners');
  return withFiles(validate(parsed, options.env), dirname(path));
}

/**
 * `admin` of a config file, or what is wrong with it. Whatever else the file says may be wrong, for whoever wants to reach
 * a running instance.
 */
export async function loadAdmin(
  path: string,
  { env }: LoadOptions,
): Promise<
  { readonly ok: true; readonly admin: AdminConfig } | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const parsed = await parseFile(path);
  if (!parsed.ok) return parsed;
  const root = { admin: get(parsed.value, 'admin') };
  const filled = interpolate(root, env);
  const result = adminSchema.safeParse((filled.value as typeof root).admin);
  const issues = result.error?.issues.map((issue) => ({ ...issue, path: ['admin', ...issue.path] })) ?? [];
  const findings = filled.findings.length > 0 ? filled.findings : findingsOf(issues, filled.value);
  if (!result.success || findings.length > 0)
    return { ok: false, problems: findings.map((finding) => problemAt(parsed.source, finding)) };
  return { ok: true, admin: result.data };
}

/** The same for a config handed over in code; its problems stand in the file `<config>`. */
export function resolveConfig(input: unknown, options: LoadOptions): Loaded {
  return validate({ value: input, source: givenSource, problems: [] }, options.env).loaded;
}

/** The same with the certificates and keys that it names, which are looked for in the working directory. */
export async function loadGiven(input: unknown, options: LoadOptions): Promise<Loaded> {
  return withFiles(validate({ value: input, source: givenSource, problems: [] }, options.env), process.cwd());
}

/**
 * The file in `cwd` that is loaded when none is named: `fairlead.yaml`, else `config/fairlead.yaml`, as seen from the
 * directory of the process. `undefined` when neither is there.
 */
export function defaultConfigPath(cwd: string): string | undefined {
  const candidates = [join(cwd, 'fairlead.yaml'), join(cwd, 'config', 'fairlead.yaml')];
  const found = candidates.find((path) => existsSync(path));
  return found === undefined ? undefined : relative('', found);
}

function whole(file: string, message: string): { ok: false; problems: Problem[] } {
  return { ok: false, problems: [{ file, line: 1, column: 1, key: '', message }] };
}

async function parseFile(path: string): Promise<ParsedText> {
  const extension = extname(path).toLowerCase();
  const isModule = moduleExtensions.includes(extension);
  if (!isModule && !['.yaml', '.yml', '.json'].includes(extension)) {
    return whole(
      path,
      `got a file named ${show(extension)}, expected .yaml, .yml, .json, .ts, .mts, .js, .mjs or .cjs`,
    );
  }
  const read = await readText(path);
  if (!read.ok) return whole(path, read.message);
  if (isModule) return readModule(path, resolve(path));
  return extension === '.json' ? parseJson(path, read.text) : parseYaml(path, read.text);
}

/** A config that was held against the schema, with the values that the environment filled in. */
interface Validated {
  readonly loaded: Loaded;
  readonly filled: unknown;
  readonly source: ConfigSource;
}

function validate(parsed: Omit<Extract<ParsedText, { ok: true }>, 'ok'>, env: Environment): Validated {
  const { source } = parsed;
  if (!isObject(parsed.value)) {
    const loaded = whole(source.file, `got ${show(parsed.value)}, expected an object with listeners`);
    return { loaded, filled: undefined, source };
  }
  const filled = interpolate(parsed.value, env);
  const first = [...filled.findings, ...takeUnavailable(filled.value)];
  const result = configSchema.safeParse(filled.value);
  const checked = crossCheck(filled.value);
  const shape = result.success ? [] : findingsOf(result.error.issues, filled.value);
  // One value, one complaint: once its cause is named, what the schema makes of it adds nothing.
  const blamed = new Set([...parsed.problems.map(({ key }) => key), ...first.map(({ path }) => formatPath(path))]);
  const second = [...shape, ...checked.findings].filter(({ path }) => !blamed.has(formatPath(path)));
  const problems = inOrder([...parsed.problems, ...[...first, ...second].map((finding) => problemAt(source, finding))]);
  if (!result.success || problems.length > 0) return { loaded: { ok: false, problems }, filled: filled.value, source };
  const warnings = inOrder(checked.warnings.map((finding) => problemAt(source, finding)));
  return { loaded: { ok: true, config: result.data, warnings, source }, filled: filled.value, source };
}

/** Holds a config against the certificates and keys that it names, whatever else is wrong with it. */
async function withFiles({ loaded, filled, source }: Validated, folder: string): Promise<Loaded> {
  const { findings, warnings } = await checkTls(filled, { folder, now: Date.now() });
  const before = loaded.ok ? [] : loaded.problems;
  const blamed = new Set(before.map(({ key }) => key));
  const added = findings
    .filter(({ path }) => !path.some((_, index) => blamed.has(formatPath(path.slice(0, index + 1)))))
    .map((finding) => problemAt(source, finding));
  if (!loaded.ok || added.length > 0) return { ok: false, problems: inOrder([...before, ...added]) };
  const warned = warnings.map((finding) => problemAt(source, finding));
  return { ...loaded, warnings: inOrder([...loaded.warnings, ...warned]) };
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
