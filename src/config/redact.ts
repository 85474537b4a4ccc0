import type { BodyMatch } from '../route/rule.ts';
import { type Address, formatAddress } from '../support/address.ts';
import { isObject } from './raw.ts';
import type { Config } from './schema.ts';

const secretName =
  /authorization|cookie|token|secret|passw|credential|session|signature|jwt|(?:api|access|private)[-_]?key|^(?:key|auth|sid)$/i;

/** A copy of a config to show around: what is secret reads `***`, or '' where there is none. */
export function redactConfig(config: Config): Config {
  const copy = redactEdits(config);
  if (copy.admin && copy.admin.token !== '') copy.admin.token = '***';
  for (const listener of Object.values(copy.listeners)) {
    if (listener.protocol !== 'http') continue;
    for (const route of listener.routes) {
      if (route.sticky && route.sticky.secret !== '') route.sticky = { ...route.sticky, secret: '***' };
      const { header = {}, cookie = {}, query = {}, body } = route.match;
      for (const fields of [header, cookie, query]) redactFields(fields);
      if (body !== undefined) redactBody(body);
    }
  }
  return copy;
}

/** A copy that behaves alike and does not tell the credentials that its routes put into requests and answers. */
export function redactEdits(config: Config): Config {
  const copy = structuredClone(config);
  for (const listener of Object.values(copy.listeners)) {
    if (listener.protocol !== 'http') continue;
    for (const { headers } of listener.routes)
      for (const { set, add } of [headers.request, headers.response])
        for (const fields of [set, add]) redactFields(fields);
  }
  return copy;
}

/** Values are secret by their names: those that are credentials usually say so. */
function redactFields(fields: Record<string, unknown>): void {
  for (const name of Object.keys(fields)) if (secretName.test(name)) fields[name] = '***';
}

/** A value in a body goes by its name too; text that a body has in it, by the names that stand there. */
function redactBody(body: BodyMatch): void {
  if (body.kind === 'contains') {
    if (secretName.test(body.text)) Object.assign(body, { text: '***' });
    return;
  }
  const names = body.kind === 'form' ? [body.name] : body.path.split('.');
  if (names.some((name) => secretName.test(name))) Object.assign(body, { is: '***' });
}

/** The same as plain data for people: addresses as they are written. */
export function showConfig(config: Config): Record<string, unknown> {
  const text = JSON.stringify(redactConfig(config), (_key, value) =>
    isObject(value) && isAddress(value) ? formatAddress(value) : value,
  );
  return JSON.parse(text) as Record<string, unknown>;
}

function isAddress(value: Record<string, unknown>): value is Address & Record<string, unknown> {
  return value['kind'] === 'unix' ? 'path' in value : value['kind'] === 'tcp' && 'port' in value;
}
