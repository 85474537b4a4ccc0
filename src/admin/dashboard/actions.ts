import type { BackendTraffic } from '../traffic.ts';
import { plural } from './format.ts';
import { announcement, say } from './notices.ts';
import { type Answered, ask, complaint } from './session.ts';
import { pools, refreshStatus } from './store.ts';

/** A backend by the pool it is in. */
export interface BackendPlace {
  readonly pool: string;
  readonly id: string;
}

/** What of a backend can be changed. */
export type BackendChange = Partial<Pick<BackendTraffic, 'state' | 'weight'>>;

function pathOf({ pool, id }: BackendPlace): string {
  return `/api/pools/${encodeURIComponent(pool)}/backends/${encodeURIComponent(id)}`;
}

/** What a change of this page has made of a pool, until the traffic shows it. */
const ownVersions = new Map<string, { readonly shown: string; readonly own: string }>();

/** The version of a pool that the user has before their eyes: a change of another that came since must not be lost. */
function versionOf(pool: string): string | undefined {
  const shown = pools.peek().get(pool)?.version;
  const changed = ownVersions.get(pool);
  return changed !== undefined && changed.shown === shown ? changed.own : shown;
}

/** Sends a change of a pool, unless somebody else has changed the pool meanwhile. */
async function change(pool: string, method: string, path: string, body?: unknown): Promise<Answered> {
  const shown = pools.peek().get(pool)?.version;
  const version = versionOf(pool);
  const answer = await ask(method, path, body, version === undefined ? undefined : `"${version}"`);
  const own = /^"(.*)"$/.exec(answer.etag ?? '')?.[1];
  if (answer.ok && shown !== undefined && own !== undefined) ownVersions.set(pool, { shown, own });
  return answer;
}

/** Says how it went; true when it went well. */
function tell(answer: Answered, done: string): boolean {
  if (answer.ok) {
    say('good', done, linesOf(answer, 'replaced'));
    announcement.value = done;
  } else say('bad', complaint(answer), linesOf(answer, 'problems'));
  return answer.ok;
}

/** What a reload says line by line: why it was refused, or which changes it has replaced. */
function linesOf({ body }: Answered, part: 'problems' | 'replaced'): string[] {
  const lines = (body as Record<string, unknown> | undefined)?.[part];
  return Array.isArray(lines) ? lines.map(String) : [];
}

/** Changes the state or the weight of a backend. */
export async function changeBackend(place: BackendPlace, to: BackendChange): Promise<boolean> {
  const what = to.state === undefined ? `has weight ${to.weight}` : `is ${to.state}`;
  return tell(await change(place.pool, 'PATCH', pathOf(place), to), `${place.id} in ${place.pool} ${what}`);
}

/** Adds a backend to a pool; gives back what is wrong with it, if anything is. */
export async function addBackend(pool: string, address: string, weight: number): Promise<string | undefined> {
  const path = `/api/pools/${encodeURIComponent(pool)}/backends`;
  const answer = await change(pool, 'POST', path, { address, weight });
  if (!answer.ok) return complaint(answer);
  tell(answer, `${address} is in ${pool}`);
  return undefined;
}

/** Takes a backend out of its pool, once it is drained. */
export async function removeBackend(place: BackendPlace): Promise<boolean> {
  const answer = await change(place.pool, 'DELETE', pathOf(place));
  const left = (answer.body as { active?: number } | undefined)?.active ?? 0;
  const done =
    answer.status === 202
      ? `leaves ${place.pool} when it is empty: ${plural(left, 'lease')} left`
      : `has left ${place.pool}`;
  return tell(answer, `${place.id} ${done}`);
}

/** Loads the config file again. */
export async function reload(): Promise<boolean> {
  const done = tell(await ask('POST', '/api/reload'), 'the config is reloaded');
  await refreshStatus();
  return done;
}
