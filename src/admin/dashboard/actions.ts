import type { BackendTraffic } from '../traffic.ts';
import { announcement, say } from './notices.ts';
import { type Answered, ask, complaint } from './session.ts';
import { refreshStatus } from './store.ts';

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

/** Says how it went; true when it went well. */
function tell(answer: Answered, done: string): boolean {
  if (answer.ok) {
    say('good', done);
    announcement.value = done;
  } else say('bad', complaint(answer), problemsOf(answer));
  return answer.ok;
}

function problemsOf({ body }: Answered): string[] {
  const problems = (body as { problems?: unknown } | undefined)?.problems;
  return Array.isArray(problems) ? problems.map(String) : [];
}

/** Changes the state or the weight of a backend. */
export async function changeBackend(place: BackendPlace, change: BackendChange): Promise<boolean> {
  const what = change.state === undefined ? `has weight ${change.weight}` : `is ${change.state}`;
  return tell(await ask('PATCH', pathOf(place), change), `${place.id} in ${place.pool} ${what}`);
}

/** Adds a backend to a pool. */
export async function addBackend(pool: string, address: string, weight: number): Promise<boolean> {
  const answer = await ask('POST', `/api/pools/${encodeURIComponent(pool)}/backends`, { address, weight });
  return tell(answer, `${address} is in ${pool}`);
}

/** Takes a backend out of its pool, once it is drained. */
export async function removeBackend(place: BackendPlace): Promise<boolean> {
  return tell(await ask('DELETE', pathOf(place)), `${place.id} leaves ${place.pool}`);
}

/** Loads the config file again. */
export async function reload(): Promise<boolean> {
  const done = tell(await ask('POST', '/api/reload'), 'the config is reloaded');
  await refreshStatus();
  return done;
}
