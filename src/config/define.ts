import type { ConfigInput } from './schema.ts';

/** Gives a config module its types: `export default defineConfig({ … })`. Returns what it is given. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
