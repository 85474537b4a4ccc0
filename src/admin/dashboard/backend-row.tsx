import { useRef, useState } from 'preact/hooks';
import type { BackendTraffic } from '../traffic.ts';
import { type BackendPlace, changeBackend, removeBackend } from './actions.ts';
import { Confirm } from './confirm.tsx';
import { toneOf } from './flow.ts';
import { count, latency, plural, rate, share } from './format.ts';
import { backendsOf, pools } from './store.ts';
import { useVisible } from './visible.ts';
import { Weight } from './weight.tsx';

/** A backend in its pool's table. Only one that is on the screen follows the traffic. */
export function BackendRow({ pool, id }: BackendPlace) {
  const [attach, visible] = useVisible<HTMLTableRowElement>();
  const known = backendsOf(pool);
  // One that is gone stays as it was until the table takes its row out.
  const last = useRef<BackendTraffic | undefined>(undefined);
  const backend = (visible ? known.value : known.peek()).get(id) ?? last.current;
  last.current = backend;
  const all = (visible ? pools.value : pools.peek()).get(pool);
  const whole = all?.leases.perSecond ?? 0;
  const leaving = all?.leaving.includes(id) === true;
  if (backend === undefined) return null;
  return (
    <tr class={`row backend ${toneOf(backend)}`} ref={attach}>
      <th scope="row" class="name">
        <Name backend={backend} leaving={leaving} />
      </th>
      <td class="load" data-head="Load">
        <b>{rate(backend.perSecond)}/s</b>
        <meter
          min={0}
          max={1}
          value={whole > 0 ? backend.perSecond / whole : 0}
          aria-label="share of the pool's load"
        />
        <small>{share(backend.perSecond, whole)}</small>
        <small title="since the start" data-figure="total">
          {count(backend.total)}
        </small>
      </td>
      <td data-head="Active" data-figure="active">
        {count(backend.active)}
      </td>
      <td data-head="p50 · p99" title="over the last minute">
        {latency(backend.latencyMs.p50)} · {latency(backend.latencyMs.p99)}
      </td>
      <td data-head="Errors" class={backend.failuresPerSecond + backend.errors.perSecond > 0 ? 'bad' : ''}>
        <span title="answers of 500 and above" data-figure="errors">
          {count(backend.errors.total)}
        </span>
        <small title="attempts that failed" data-figure="failures">
          {count(backend.failures)} failed
        </small>
      </td>
      <td data-head="Weight">
        <Weight place={{ pool, id }} weight={backend.weight} />
        {backend.effectiveWeight !== backend.weight && (
          <small title="by slow start, or by what its agent says">now {backend.effectiveWeight}</small>
        )}
      </td>
      <td class="actions">
        <Actions pool={pool} backend={backend} />
      </td>
    </tr>
  );
}

function Name({ backend, leaving }: { backend: BackendTraffic; leaving: boolean }) {
  const { id, address, health, healthReason, state, active } = backend;
  return (
    <>
      <span class={`dot ${toneOf(backend)}`} aria-hidden="true" />
      <span class="id">{id}</span>
      {address !== id && <small class="address">{address}</small>}
      <span class="why">
        <span class={`word ${health}`}>{health}</span>
        {state !== 'enabled' && (
          <span class="word state">
            {state === 'draining' ? `${leaving ? 'leaving' : 'draining'}, ${plural(active, 'lease')} left` : state}
          </span>
        )}
        <small title={healthReason}>{healthReason}</small>
      </span>
    </>
  );
}

type Asked = 'drain' | 'disable' | 'remove';

function Actions({ pool, backend }: { pool: string; backend: BackendTraffic }) {
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const { id, state, active } = backend;
  const place = { pool, id };
  const drain = () => changeBackend(place, { state: 'draining' });
  return (
    <>
      {state !== 'enabled' && (
        <button type="button" aria-label={`Enable ${id}`} onClick={() => changeBackend(place, { state: 'enabled' })}>
          Enable
        </button>
      )}
      {state === 'enabled' && (
        <button
          type="button"
          aria-label={`Drain ${id}`}
          onClick={() => (isLast(pool, id) ? setAsked('drain') : void drain())}
        >
          Drain
        </button>
      )}
      {state !== 'disabled' && (
        <button type="button" aria-label={`Disable ${id}`} onClick={() => setAsked('disable')}>
          Disable
        </button>
      )}
      <button type="button" class="danger quiet" aria-label={`Remove ${id}`} onClick={() => setAsked('remove')}>
        Remove
      </button>
      {asked === 'drain' && (
        <Confirm title={`Drain ${id}?`} action="Drain" danger onConfirm={drain} onClose={() => setAsked(undefined)}>
          It is the last backend of {pool} that can be used: without it, requests for the pool are answered with 503.
        </Confirm>
      )}
      {asked === 'disable' && (
        <Confirm
          title={`Disable ${id}?`}
          action="Disable"
          danger
          onConfirm={() => changeBackend(place, { state: 'disabled' })}
          onClose={() => setAsked(undefined)}
        >
          {pool} sends nothing more to it.{' '}
          {isLast(pool, id) && 'It is the last one that can be used: requests will be answered with 503. '}
          {active > 0 && `It holds ${plural(active, 'lease')} now; those end by themselves.`}
        </Confirm>
      )}
      {asked === 'remove' && (
        <Confirm
          title={`Remove ${id}?`}
          action="Remove"
          danger
          onConfirm={() => removeBackend(place)}
          onClose={() => setAsked(undefined)}
        >
          It is drained first, and then it is no longer a backend of {pool}.{' '}
          {isLast(pool, id) && 'It is the last one that can be used: requests will be answered with 503. '}
        </Confirm>
      )}
    </>
  );
}

/** Whether a backend is the only one of its pool that can be used. */
function isLast(pool: string, id: string): boolean {
  const usable = [...backendsOf(pool).peek().values()].filter(
    ({ health, state }) => health === 'up' && state === 'enabled',
  );
  return usable.length === 1 && usable[0]!.id === id;
}
