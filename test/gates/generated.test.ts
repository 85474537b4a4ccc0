import { expect, it } from 'vitest';
import { generatedFiles } from '../../scripts/generate.ts';
import { readFiles } from './source.ts';

const files = generatedFiles();

it.each(Object.keys(files))('%s is what `npm run generate` makes of the sources', (path) => {
  expect(readFiles(path)[0]?.text).toBe(files[path]);
});

it('makes a schema that is one, and a reference with every part of a config', () => {
  expect(JSON.parse(files['config/fairlead.schema.json']!)).toHaveProperty('properties.listeners');
  for (const part of ['listeners', 'pools', 'admin', 'log']) expect(files['docs/config.md']).toContain(part);
});
