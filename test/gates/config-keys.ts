import { parse } from 'yaml';
import { codePieces } from './docs.ts';
import type { SourceFile } from './source.ts';

/** The parts of a JSON Schema that say which keys there are. */
export interface KeySchema {
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly additionalProperties?: boolean | KeySchema;
  readonly items?: KeySchema;
  readonly anyOf?: readonly KeySchema[];
  readonly oneOf?: readonly KeySchema[];
  readonly allOf?: readonly KeySchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, KeySchema>>;
}

/** Blocks of YAML that belong to other programs: Compose, Prometheus, Kubernetes, GitHub's workflows, Traefik. */
const foreignKeys = ['services', 'scrape_configs', 'apiVersion', 'jobs', 'entryPoints'];

/** The keys of a config, looked up by the schema. */
export class ConfigKeys {
  readonly #root: KeySchema;
  readonly #planned: readonly RegExp[];

  /** `planned` are dotted keys that may be named although the schema lacks them; `*` is a user's name or an index. */
  constructor(root: KeySchema, planned: readonly string[] = []) {
    this.#root = root;
    this.#planned = planned.map((key) => {
      const steps = key.split('.').map((step) => (step === '*' ? '(?:[^.]+\\.)?' : `${step}\\.`));
      return new RegExp(`^${steps.join('')}$`);
    });
  }

  /** Every key that has a name of its own, sorted; not the names that users give. */
  all(): string[] {
    const keys = new Set([...this.#objects()].flatMap(({ properties }) => Object.keys(properties ?? {})));
    return [...keys].sort();
  }

  /** Whether the keys of a value, at whatever depth, are those of a whole config or of some part of one. */
  fitsSomewhere(value: unknown): boolean {
    // Not from where users give the names: everything would fit there.
    const starts = [...this.#objects()].filter(({ properties, items }) => properties ?? items);
    return !isNested(value) || starts.some((schema) => this.#fits(value, schema));
  }

  /** Whether dotted keys lead somewhere from the top: `pools.web.balance`; `*` or a word where users give names. */
  leadsSomewhere(path: readonly string[]): boolean {
    if (this.#planned.some((pattern) => pattern.test(`${path.join('.')}.`))) return true;
    let reached = this.#branches(this.#root);
    for (const key of path) {
      const next = reached.flatMap(({ properties, additionalProperties }) => properties?.[key] ?? additionalProperties);
      reached = next.flatMap((schema) => (typeof schema === 'object' ? this.#withEntries(schema) : []));
    }
    return reached.length > 0;
  }

  /** Whether a word is a key at the top of a config. */
  isTopKey(word: string): boolean {
    return this.#branches(this.#root).some(({ properties }) => Object.hasOwn(properties ?? {}, word));
  }

  #fits(value: unknown, schema: KeySchema): boolean {
    if (Array.isArray(value)) {
      const lists = this.#branches(schema).flatMap(({ items }) => items ?? []);
      return value.every((entry) => !isObject(entry) || lists.some((items) => this.#fits(entry, items)));
    }
    if (!isObject(value)) return true;
    const branches = this.#branches(schema);
    return branches.some((branch) => Object.entries(value).every(([key, inner]) => this.#fitsKey(branch, key, inner)));
  }

  #fitsKey({ properties = {}, additionalProperties }: KeySchema, key: string, value: unknown): boolean {
    if (Object.hasOwn(properties, key)) return this.#fits(value, properties[key]!);
    return typeof additionalProperties === 'object' && this.#fits(value, additionalProperties);
  }

  /** A schema and, where it is a list, that of its entries: a dotted path has no index. */
  #withEntries(schema: KeySchema): KeySchema[] {
    const branches = this.#branches(schema);
    return [...branches, ...branches.flatMap(({ items }) => (items === undefined ? [] : this.#branches(items)))];
  }

  #branches(schema: KeySchema): KeySchema[] {
    const { anyOf = [], oneOf = [], allOf = [], $ref } = schema;
    const named = $ref === undefined ? [] : [this.#root.$defs?.[$ref.replace('#/$defs/', '')] ?? {}];
    return [schema, ...[...anyOf, ...oneOf, ...allOf, ...named].flatMap((branch) => this.#branches(branch))];
  }

  #objects(schema = this.#root, seen = new Set<KeySchema>()): Set<KeySchema> {
    for (const branch of this.#branches(schema)) {
      if (seen.has(branch)) continue;
      seen.add(branch);
      const { properties = {}, additionalProperties, items } = branch;
      const inner = [...Object.values(properties), items, additionalProperties];
      for (const child of inner) if (typeof child === 'object') this.#objects(child, seen);
    }
    return seen;
  }
}

/** The pieces of YAML on a page that are of a Fairlead config, whole or in part. */
export function configPieces(
  page: SourceFile,
): { readonly line: number; readonly text: string; readonly value: unknown }[] {
  return codePieces(page.text)
    .filter(({ language }) => language === 'yaml' || language === 'yml')
    .map(({ line, text }) => ({ line, text, value: parse(text) as unknown }))
    .filter(({ value }) => !isObject(value) || !foreignKeys.some((key) => Object.hasOwn(value, key)));
}

/** Keys on a page that no config has: in pieces of YAML, and dotted ones within a line. */
export function unknownKeys(page: SourceFile, keys: ConfigKeys): string[] {
  const pieces = configPieces(page)
    .filter(({ value }) => !keys.fitsSomewhere(value))
    .map(({ line }) => `${page.path}:${line}: a config with these keys does not exist`);
  const dotted = codePieces(page.text)
    .filter(({ language, text }) => language === 'inline' && /^[a-zA-Z]+(\.[\w*-]+)+$/.test(text))
    .filter(({ text }) => !/\.(ts|js|json|yaml|md|pem)$/.test(text) && keys.isTopKey(text.split('.')[0]!))
    .filter(({ text }) => !keys.leadsSomewhere(text.split('.')))
    .map(({ text, line }) => `${page.path}:${line}: no config key '${text}'`);
  return [...pieces, ...dotted];
}

/** Whether a value has keys, at whatever depth of lists. */
function isNested(value: unknown): boolean {
  return Array.isArray(value) ? value.some(isNested) : isObject(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
