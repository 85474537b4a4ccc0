import { computed } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { ListenerTraffic } from '../traffic.ts';
import { byteRate, count, latency, rate } from './format.ts';
import { traffic } from './store.ts';

const sum = (list: readonly ListenerTraffic[], of: (listener: ListenerTraffic) => number) =>
  list.reduce((total, listener) => total + of(listener), 0);

const figures = computed(() => {
  const { listeners = [], pools = [] } = traffic.value ?? {};
  const backends = pools.flatMap((pool) => pool.backends);
  const slowest = pools
    .filter(({ recentMs }) => recentMs.p99 !== null)
    .sort((a, b) => b.recentMs.p99! - a.recentMs.p99!)[0];
  return {
    requests: sum(listeners, ({ requests }) => requests.perSecond),
    totalRequests: sum(listeners, ({ requests }) => requests.total),
    connections: sum(listeners, ({ active }) => active),
    newConnections: sum(listeners, ({ connections }) => connections.perSecond),
    bytesIn: sum(listeners, ({ bytesInPerSecond }) => bytesInPerSecond),
    bytesOut: sum(listeners, ({ bytesOutPerSecond }) => bytesOutPerSecond),
    errors: sum(listeners, ({ errors }) => errors.perSecond),
    totalErrors: sum(listeners, ({ errors }) => errors.total),
    refusals: sum(listeners, ({ refusals }) => refusals.total),
    retries: pools.reduce((total, { retries }) => total + retries.perSecond, 0),
    totalRetries: pools.reduce((total, { retries }) => total + retries.total, 0),
    up: backends.filter(({ health, state }) => health === 'up' && state === 'enabled').length,
    down: backends.filter(({ health }) => health === 'down').length,
    ejected: backends.filter(({ health }) => health === 'ejected').length,
    off: backends.filter(({ state }) => state !== 'enabled').length,
    backends: backends.length,
    slowest,
  };
});

/** The figures of all of it. */
export function Tiles() {
  const now = figures.value;
  const wrong = [
    [now.down, 'down'],
    [now.ejected, 'ejected'],
    [now.off, 'drained or off'],
  ] as const;
  return (
    <section class="tiles" aria-label="Overview">
      <Tile title="Requests" value={rate(now.requests)} unit="/s">
        {count(now.totalRequests)} so far
      </Tile>
      <Tile title="Connections" value={count(now.connections)} unit="open">
        {rate(now.newConnections)} new/s
      </Tile>
      <Tile title="Throughput" value={byteRate(now.bytesOut)} unit="out">
        {byteRate(now.bytesIn)} in
      </Tile>
      <Tile title="Latency, p99" value={latency(now.slowest?.recentMs.p99 ?? null)} unit="">
        {now.slowest === undefined
          ? 'no traffic'
          : `p50 ${latency(now.slowest.recentMs.p50)}, pool ${now.slowest.name}`}
      </Tile>
      <Tile title="Errors" value={rate(now.errors)} unit="/s" tone={now.errors > 0 ? 'bad' : ''}>
        {count(now.totalErrors)} so far, {count(now.refusals)} refused
      </Tile>
      <Tile title="Retries" value={rate(now.retries)} unit="/s" tone={now.retries > 0 ? 'warn' : ''}>
        {count(now.totalRetries)} so far
      </Tile>
      <Tile
        title="Backends"
        value={`${count(now.up)}`}
        unit={`of ${count(now.backends)} in use`}
        tone={now.up < now.backends ? 'warn' : ''}
      >
        {wrong
          .filter(([many]) => many > 0)
          .map(([many, word]) => `${many} ${word}`)
          .join(', ') || 'all are well'}
      </Tile>
    </section>
  );
}

function Tile(props: { title: string; value: string; unit: string; tone?: string; children: ComponentChildren }) {
  const { title, value, unit, tone = '', children } = props;
  return (
    <div class={`tile ${tone}`}>
      <h2>{title}</h2>
      <p class="figure">
        {value} <small>{unit}</small>
      </p>
      <p class="more">{children}</p>
    </div>
  );
}
