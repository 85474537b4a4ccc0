import { type JsonSchema, plainSchema } from './json-schema.ts';
import { unavailableKeys } from './unavailable.ts';

const intro = `# Config reference

Generated from the schema (\`src/config/schema.ts\`): change it there. \`fairlead schema\` prints the same as JSON Schema.

- durations: \`250ms\`, \`5s\`, \`2m\`, \`1h\`; sizes: \`512B\`, \`16KiB\`, \`10MiB\`, or a number of bytes; percentages: \`50%\`
- addresses: \`host:port\`, \`:port\` (all interfaces, IPv4 and IPv6), \`[::1]:port\`, \`unix:/path\`
- names of listeners, routes, pools and backends: 1 to 64 letters, digits, \`_\`, \`.\` or \`-\`, the first a letter or digit
- \`\${NAME}\` and \`\${NAME:-default}\` in any value read the environment, in a default too; \`$\${\` is a plain \`\${\`
- an unknown key is an error
`;

/** The reference of the config as Markdown: every key with its type, its default and what it does. */
export function configReference(): string {
  const sections = sectionsOf({ path: '', protocol: undefined, node: plainSchema() }).map(sectionText);
  return [intro, ...sections, '## Not available yet\n\nRefused by this version:\n', ...refusedLines(), ''].join('\n');
}

/** What is refused, by the object it would be in. */
function refusedLines(): string[] {
  const lines = Map.groupBy(unavailableKeys, ({ key }) => key.slice(0, key.lastIndexOf('.', key.length - 3)));
  return [...lines].map(([parent, keys]) => {
    const path = parent.replace(/^(listeners|pools)\.\*/, '$1.NAME').replaceAll('.*', '[]');
    const names = keys.map(({ key, but, protocol }) => {
      const name = key.slice(parent.length + 1).replace('.*', '');
      return `\`${name}\`${protocolText(protocol)}${but === undefined ? '' : `, save \`${but}\``}`;
    });
    return `- in \`${path}\`: ${names.join(', ')}`;
  });
}

interface Section {
  readonly path: string;
  /** The protocol of the listener it is in. */
  readonly protocol: unknown;
  readonly node: JsonSchema;
}

/** An object and, after it, every object inside of it. */
function sectionsOf(section: Section): Section[] {
  const { path, node } = section;
  const branches = node.anyOf ?? node.oneOf;
  if (branches) return branches.flatMap((branch) => sectionsOf({ ...section, node: branch }));
  if (node.items) return sectionsOf({ ...section, path: `${path}[]`, node: node.items });
  if (typeof node.additionalProperties === 'object') {
    return sectionsOf({ ...section, path: `${path}.NAME`, node: node.additionalProperties });
  }
  if (!node.properties) return [];
  const protocol = node.properties['protocol']?.const ?? section.protocol;
  const inner = Object.entries(node.properties).flatMap(([key, child]) =>
    sectionsOf({ path: path === '' ? key : `${path}.${key}`, protocol, node: child }),
  );
  return [{ ...section, protocol }, ...inner];
}

function protocolText(protocol: unknown): string {
  return protocol === undefined ? '' : ` (protocol: ${protocol})`;
}

function sectionText({ path, protocol, node }: Section): string {
  const title = path === '' ? 'Top level' : `\`${path}\`${protocolText(protocol)}`;
  const rows = Object.entries(node.properties ?? {}).map(([key, child]) => {
    const preset = node.required?.includes(key) ? 'required' : presetText(child.default);
    const cells = [`\`${key}\``, typeText(child), preset, child.description ?? ''];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const about = path === '' || node.description === undefined ? [] : [node.description, ''];
  return [
    `## ${title}`,
    '',
    ...about,
    '| key | type | default | what it does |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function typeText(node: JsonSchema): string {
  if (node.enum) return node.enum.map(code).join(', ');
  if (node.const !== undefined) return code(node.const);
  if (node.title !== undefined) return node.title + rangeText(node);
  const branches = node.anyOf ?? node.oneOf;
  if (branches) return [...new Set(branches.map(typeText))].join(' or ');
  if (node.items) return `list of ${typeText(node.items)}`;
  if (typeof node.additionalProperties !== 'object') return 'object';
  return node.additionalProperties.properties || node.additionalProperties.oneOf ? 'objects by name' : 'values by name';
}

function rangeText({ minimum, maximum }: JsonSchema): string {
  return minimum === undefined || maximum === undefined ? '' : `, ${minimum} to ${maximum}`;
}

function presetText(preset: unknown): string {
  const isSection = typeof preset === 'object' && JSON.stringify(preset) === '{}';
  return preset === undefined || isSection ? '' : code(preset);
}

function code(value: unknown): string {
  if (Array.isArray(value)) return `\`[${value.join(', ')}]\``;
  return value === '' ? '`""`' : `\`${String(value)}\``;
}
