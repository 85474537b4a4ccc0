import type { Config } from './schema.ts';

/** A copy of a config to show around: what is secret reads `***`, or '' where there is none. */
export function redactConfig(config: Config): Config {
  const copy = structuredClone(config);
  if (copy.admin && copy.admin.token !== '') copy.admin.token = '***';
  return copy;
}
