import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import {
  catalogue,
  type LabelsOf,
  METRIC_PREFIX,
  type MetricEntry,
  type MetricName,
  meterShapes,
} from './catalogue.ts';
import type { MeterReader, SeriesSum } from './meter-reader.ts';
import type { Labels } from './meters.ts';

/** What the control plane knows by itself, asked at every scrape. */
export interface ControlGauges {
  /** Every backend of every pool that is configured now. */
  backends(): Iterable<{
    readonly pool: string;
    readonly backend: string;
    readonly up: boolean;
    /** False while it is drained or disabled. */
    readonly enabled: boolean;
    readonly active: number;
    /** The most leases at once; 0 for no limit. */
    readonly limit: number;
  }>;
  /** Every pool that has a queue, and how many wait in it. */
  queues(): Iterable<{ readonly pool: string; readonly length: number }>;
  /** Number of the config in force. */
  generation(): number;
  /** Worker threads that are running. */
  workers(): number;
  /** How often each worker was replaced. */
  restarts(): Iterable<{ readonly worker: string; readonly restarts: number }>;
  /** The most client connections at once of all listeners together; 0 for no limit. */
  connectionsLimit(): number;
  /** Likewise for each listener. */
  listenerLimits(): Iterable<{ readonly listener: string; readonly limit: number }>;
  /** Every listener that bans sources: how many are banned now, by the reason. */
  bans(): Iterable<{ readonly listener: string; readonly reason: string; readonly active: number }>;
  /** Every certificate of every listener, and when it expires, in seconds since 1970. */
  certificates(): Iterable<{ readonly listener: string; readonly certificate: string; readonly seconds: number }>;
}

/** What metrics are read from. */
export interface MetricsSources {
  readonly reader: MeterReader;
  readonly gauges: ControlGauges;
  /** Fairlead's version. */
  readonly version: string;
}

/** A scrape's answer. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** A sample as prom-client writes it out; it keeps the text of each `sharedLabels` object for the next scrape. */
interface Sample {
  readonly metricName?: string;
  readonly labels?: { readonly le: number | string };
  readonly sharedLabels: Labels;
  readonly value: number;
}

/**
 * A metric whose samples are read at scrape. prom-client has four closed kinds of metric; this one borrows the plainest
 * and answers with values that live elsewhere, so counting never goes through it. Of the two questions a registry asks
 * it answers the one that prom-client's own histograms do, which lets it share labels: a scrape is five times faster.
 */
class ReadMetric extends Gauge {
  readonly #read: () => Sample[];
  readonly #described: { readonly name: string; readonly help: string; readonly type: MetricEntry['type'] };

  constructor(name: MetricName, registry: Registry, read: () => Sample[]) {
    const { help, type } = catalogue[name];
    super({ name: METRIC_PREFIX + name, help, registers: [registry] });
    this.#described = { name: METRIC_PREFIX + name, help, type };
    this.#read = read;
  }

  async getForPromString(): Promise<object> {
    return { ...this.#described, values: this.#read() };
  }
}

/** The samples of a histogram's series: cumulative buckets, +Inf, sum and count. */
function histogramSamples(name: string, bounds: readonly number[], series: SeriesSum): Sample[] {
  const { labels: sharedLabels, values } = series;
  let count = 0;
  const samples: Sample[] = [];
  for (const [bucket, le] of [...bounds, '+Inf'].entries()) {
    count += values[bucket]!;
    samples.push({ metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: count });
  }
  samples.push({ metricName: `${name}_sum`, sharedLabels, value: values[bounds.length + 1]! });
  samples.push({ metricName: `${name}_count`, sharedLabels, value: count });
  return samples;
}

function registerLaneMetrics(registry: Registry, reader: MeterReader): void {
  for (const { name, type, buckets } of meterShapes) {
    if (name === 'backend_latency') continue;
    const samplesOf = (series: SeriesSum): Sample[] =>
      type === 'histogram'
        ? histogramSamples(METRIC_PREFIX + name, buckets, series)
        : [{ sharedLabels: series.labels, value: series.values[0]! }];
    new ReadMetric(name, registry, () => [...reader.sum(name)].flatMap(samplesOf));
  }
}

/** The limits that there are: one that is 0 is none, and has no sample. */
function registerLimits(registry: Registry, gauges: ControlGauges): void {
  const onlySet = (samples: Sample[]) => samples.filter(({ value }) => value > 0);
  new ReadMetric('backend_connections_limit', registry, () =>
    onlySet(
      [...gauges.backends()].map(({ pool, backend, limit }) => ({ sharedLabels: { pool, backend }, value: limit })),
    ),
  );
  new ReadMetric('connections_limit', registry, () =>
    onlySet([{ sharedLabels: {}, value: gauges.connectionsLimit() }]),
  );
  new ReadMetric('listener_connections_limit', registry, () =>
    onlySet([...gauges.listenerLimits()].map(({ listener, limit }) => ({ sharedLabels: { listener }, value: limit }))),
  );
}

function registerControlGauges(registry: Registry, { gauges, version }: MetricsSources): void {
  const single = (value: number, sharedLabels: Labels = {}): Sample[] => [{ sharedLabels, value }];
  type Backend = ReturnType<ControlGauges['backends']> extends Iterable<infer B> ? B : never;
  const backends = (value: (b: Backend) => number): Sample[] =>
    [...gauges.backends()].map((b) => ({ sharedLabels: { pool: b.pool, backend: b.backend }, value: value(b) }));
  const build: LabelsOf<'build_info'> = { version, node: process.version };
  new ReadMetric('backend_up', registry, () => backends((b) => (b.up ? 1 : 0)));
  new ReadMetric('backend_enabled', registry, () => backends((b) => (b.enabled ? 1 : 0)));
  new ReadMetric('backend_active', registry, () => backends((b) => b.active));
  registerLimits(registry, gauges);
  new ReadMetric('queue_length', registry, () =>
    [...gauges.queues()].map(({ pool, length }) => ({ sharedLabels: { pool }, value: length })),
  );
  new ReadMetric('config_generation', registry, () => single(gauges.generation()));
  new ReadMetric('workers', registry, () => single(gauges.workers()));
  new ReadMetric('worker_restarts_total', registry, () =>
    [...gauges.restarts()].map(({ worker, restarts }) => ({ sharedLabels: { worker }, value: restarts })),
  );
  new ReadMetric('certificate_expiry_timestamp_seconds', registry, () =>
    [...gauges.certificates()].map(({ listener, certificate, seconds }) => ({
      sharedLabels: { listener, certificate },
      value: seconds,
    })),
  );
  new ReadMetric('bans_active', registry, () =>
    [...gauges.bans()].map(({ listener, reason, active }) => ({ sharedLabels: { listener, reason }, value: active })),
  );
  new ReadMetric('build_info', registry, () => single(1, build));
}

function controlCounter(
  name: 'health_transitions_total' | 'config_reloads_total' | 'bans_total',
  registry: Registry,
): Counter {
  const { help, labels } = catalogue[name];
  return new Counter({ name: METRIC_PREFIX + name, help, labelNames: labels, registers: [registry] });
}

let processMetrics: Registry | undefined;

/** prom-client's process metrics observe the whole process and cannot be stopped: one set serves all instances. */
function processRegistry(): Registry {
  if (processMetrics === undefined) {
    processMetrics = new Registry();
    collectDefaultMetrics({ register: processMetrics });
  }
  return processMetrics;
}

/** All metrics of one Fairlead, written out in Prometheus' text format when they are scraped. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #transitions: Counter;
  readonly #reloads: Counter;
  readonly #bans: Counter;
  readonly #ejections = new Map<string, number>();
  #lastReload: 'applied' | 'rejected' = 'applied';

  /** Reads from `sources` at every scrape and keeps nothing of them. */
  constructor(sources: MetricsSources) {
    registerLaneMetrics(this.#registry, sources.reader);
    registerControlGauges(this.#registry, sources);
    this.#transitions = controlCounter('health_transitions_total', this.#registry);
    this.#reloads = controlCounter('config_reloads_total', this.#registry);
    this.#bans = controlCounter('bans_total', this.#registry);
    for (const result of ['applied', 'rejected'] as const) this.#reloads.inc({ result }, 0);
    new ReadMetric('config_last_reload_success', this.#registry, () => [
      { sharedLabels: {}, value: this.#lastReload === 'applied' ? 1 : 0 },
    ]);
  }

  /** Counts a backend's change of health. */
  healthTransition(pool: string, backend: string, to: 'up' | 'down' | 'ejected' | 'unknown'): void {
    this.#transitions.inc({ pool, backend, to });
    if (to === 'ejected') this.#ejections.set(pool, this.ejections(pool) + 1);
  }

  /** Changes to 'ejected' so far, over all backends of a pool. */
  ejections(pool: string): number {
    return this.#ejections.get(pool) ?? 0;
  }

  /** Counts an attempt to reload the config. */
  configReload(result: 'applied' | 'rejected'): void {
    this.#reloads.inc({ result });
    this.#lastReload = result;
  }

  /** Counts a source that was banned. */
  banned(listener: string, reason: string): void {
    this.#bans.inc({ listener, reason });
  }

  /** Everything as it is now. */
  async render(): Promise<Exposition> {
    const shared = processRegistry();
    const body = `${await this.#registry.metrics()}\n${await shared.metrics()}`;
    return { contentType: this.#registry.contentType, body };
  }
}
