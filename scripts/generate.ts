import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configJsonSchema } from '../src/config/json-schema.ts';
import { configReference } from '../src/config/reference.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The files that are made from the sources, with their texts, by their paths in the repository. */
export function generatedFiles(): Record<string, string> {
  return {
    'config/fairlead.schema.json': asBiomeSetsIt('schema.json', JSON.stringify(configJsonSchema())),
    'docs/config.md': `${configReference().trim()}\n`,
  };
}

/** The text in the format that the lint asks of every file. */
function asBiomeSetsIt(name: string, text: string): string {
  const biome = `${root}node_modules/.bin/biome`;
  return execFileSync(biome, ['format', `--stdin-file-path=${name}`], { cwd: root, input: text, encoding: 'utf8' });
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(generatedFiles())) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, text);
    console.log(path);
  }
}
