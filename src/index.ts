/**
 * Fairlead as a library: a typed config for `fairlead.ts` files.
 *
 * @module
 */
export { defineConfig } from './config/define.ts';
export type { Config, ConfigInput } from './config/schema.ts';
