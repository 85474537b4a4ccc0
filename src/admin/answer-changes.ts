import type { BackendChange, BackendSettings, Changed, ChangeRefusal, NewBackend } from './changes.ts';
import type { Answer, Asked } from './endpoint.ts';
import type { AdminSource } from './source.ts';

const statuses: Readonly<Record<ChangeRefusal, number>> = {
  'no-pool': 404,
  'unknown-backend': 404,
  'backend-exists': 409,
  'last-backend': 409,
  'pool-changed': 412,
  invalid: 422,
  'not-applied': 503,
};

/** Sets the state or the weight of a backend. */
export async function answerSet(source: AdminSource, asked: Asked): Promise<Answer> {
  const { pool = '', id = '' } = asked.parameters;
  const to = asked.body as BackendSettings;
  if (to.state === undefined && to.weight === undefined) {
    return { status: 422, body: { error: 'invalid', message: 'there is nothing to change: expected state or weight' } };
  }
  const changed = await make(source, { kind: 'set', pool, backend: id, to }, asked);
  return changed.ok ? { status: 200, body: changed.backend, headers: tagOf(changed) } : refusal(changed);
}

/** Adds a backend to a pool. */
export async function answerAdd(source: AdminSource, asked: Asked): Promise<Answer> {
  const { pool = '' } = asked.parameters;
  const changed = await make(source, { kind: 'add', pool, backend: asked.body as NewBackend }, asked);
  if (!changed.ok) return refusal(changed);
  const location = `/api/pools/${encodeURIComponent(pool)}/backends/${encodeURIComponent(changed.backend.id)}`;
  return { status: 201, body: changed.backend, headers: { ...tagOf(changed), location } };
}

/** Removes a backend from its pool, as soon as it holds no leases. */
export async function answerRemove(source: AdminSource, asked: Asked): Promise<Answer> {
  const { pool = '', id = '' } = asked.parameters;
  const changed = await make(source, { kind: 'remove', pool, backend: id }, asked);
  if (!changed.ok) return refusal(changed);
  const { removed, backend } = changed;
  const body = { id, removed, active: removed ? 0 : backend.active };
  return { status: removed ? 200 : 202, body, headers: tagOf(changed) };
}

function make(source: AdminSource, change: BackendChange, { headers, who }: Asked): Promise<Changed> {
  return source.change(change, { who, versions: versionsIn(headers['if-match']) });
}

/** The entity tags of an If-Match field (RFC 9110 §13.1.1), without their quotes. A weak one never matches. */
function versionsIn(field: string | string[] | undefined): string[] | undefined {
  if (field === undefined) return undefined;
  const tags = String(field)
    .split(',')
    .map((tag) => tag.trim());
  return tags.map((tag) => (tag === '*' ? tag : (/^"([^"*]*)"$/.exec(tag)?.[1] ?? '')));
}

/** The field that tells the version of a pool. */
export function tagOf({ version }: { readonly version: string }): Record<'etag', string> {
  return { etag: `"${version}"` };
}

function refusal(changed: Changed & { ok: false }): Answer {
  const { refusal: error, message, version } = changed;
  return {
    status: statuses[error],
    body: { error, message },
    ...(version === undefined ? {} : { headers: tagOf({ version }) }),
  };
}
