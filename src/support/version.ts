import { readFileSync } from 'node:fs';

/** Fairlead's version, as its package.json says it: that file lies at the same distance from sources and from a build. */
export const version: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
