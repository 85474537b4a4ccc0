#!/usr/bin/env node
import { existsSync } from 'node:fs';

const oldestNode = 24;

// Checked before anything else is loaded: an older Node would fail on the first import, and not say why.
if (Number.parseInt(process.versions.node, 10) < oldestNode) {
  console.error(`fairlead needs Node ${oldestNode} or newer, and this is ${process.version}`);
  process.exit(1);
}

// A checkout has its sources, which Node runs as they are; the published package has what was built from them.
const source = new URL('../src/cli/main.ts', import.meta.url);
const { runProcess } = await import(
  existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href
);
await runProcess();
