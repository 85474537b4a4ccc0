import type { Config } from './schema.ts';

/** A copy of a config to show around: what is secret reads `***`, or '' where there is none. */
export function redactConfig(config: Config): Config {
  const copy = structuredClone(config);
  if (copy.admin && copy.admin.token !== '') copy.admin.token = '***';
  for (const listener of Object.values(copy.listeners)) {
    if (listener.protocol !== 'http') continue;
    for (const route of listener.routes) {
      if (route.sticky && route.sticky.secret !== '') route.sticky = { ...route.sticky, secret: '***' };
    }
  }
  return copy;
}
