import type { ListenerTraffic, RouteTraffic } from '../traffic.ts';
import { byteRate, count, rate } from './format.ts';
import { listenerNames, listeners } from './store.ts';
import { useVisible } from './visible.ts';

const heads = ['Route', 'Leads to', 'Hits now', 'Hits', 'Errors'] as const;

/** The listeners with their routes, and how often each route was taken. */
export function Listeners() {
  return (
    <section id="listeners" aria-labelledby="listeners-title">
      <h2 id="listeners-title">Listeners and routes</h2>
      {listenerNames.value.map((name) => (
        <ListenerCard key={name} name={name} />
      ))}
    </section>
  );
}

function ListenerCard({ name }: { name: string }) {
  const [attach, visible] = useVisible<HTMLElement>();
  const listener = (visible ? listeners.value : listeners.peek()).get(name);
  if (listener === undefined) return null;
  return (
    <article class="card listener" ref={attach} aria-label={`Listener ${name}`}>
      <div class="listener-head">
        <h3>{name}</h3>
        <span class="word">{listener.protocol}</span>
        {listener.tls && <span class="word">TLS</span>}
        <span class="addresses">{listener.addresses.join(', ') || 'not open'}</span>
        <Figures listener={listener} />
      </div>
      <table aria-label={`Routes of ${name}`}>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {listener.routes.map((route) => (
            <RouteRow key={route.name} route={route} />
          ))}
        </tbody>
      </table>
    </article>
  );
}

function Figures({ listener }: { listener: ListenerTraffic }) {
  const { protocol, active, requests, connections, errors, refusals, bytesInPerSecond, bytesOutPerSecond } = listener;
  return (
    <p class="facts">
      {protocol === 'http' && <span>{rate(requests.perSecond)} requests/s</span>}
      <span>{rate(connections.perSecond)} connections/s</span>
      <span>{count(active)} open</span>
      <span>
        {byteRate(bytesInPerSecond)} in, {byteRate(bytesOutPerSecond)} out
      </span>
      {protocol === 'http' && <span class={errors.perSecond > 0 ? 'bad' : ''}>{count(errors.total)} errors</span>}
      <span>{count(refusals.total)} refused</span>
    </p>
  );
}

function RouteRow({ route }: { route: RouteTraffic }) {
  const { name, kind, pools, hits, errors } = route;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{kind === 'pool' ? <Targets pools={pools} /> : kind}</td>
      <td>{rate(hits.perSecond)}/s</td>
      <td>{count(hits.total)}</td>
      <td class={errors.perSecond > 0 ? 'bad' : ''}>{count(errors.total)}</td>
    </tr>
  );
}

function Targets({ pools }: Pick<RouteTraffic, 'pools'>) {
  const whole = pools.reduce((sum, { weight }) => sum + weight, 0);
  return (
    <>
      {pools.map(({ pool, weight }) => (
        <span key={pool} class="target">
          {pool}
          {pools.length > 1 && <small> {Math.round((weight / Math.max(1, whole)) * 100)} %</small>}
        </span>
      ))}
    </>
  );
}
