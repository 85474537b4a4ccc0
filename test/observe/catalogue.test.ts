import { describe, expect, it } from 'vitest';
import { catalogue, METRIC_PREFIX, type MetricEntry, meterShapes } from '../../src/observe/catalogue.ts';
import { LATENCY_CELLS } from '../../src/observe/latency.ts';

/** The public list: a name, a type or a label here changes only with the contract. */
const contract: Record<string, string> = {
  requests_total: 'counter listener route pool backend code',
  request_duration_seconds: 'histogram listener route',
  connections_total: 'counter listener',
  connections_limit: 'gauge',
  listener_connections_limit: 'gauge listener',
  connections_phase: 'gauge listener phase',
  connections_ended_total: 'counter listener how',
  connections_routed_total: 'counter listener route pool',
  connections_active: 'gauge listener',
  datagrams_total: 'counter listener direction',
  bytes_total: 'counter listener direction',
  backend_up: 'gauge pool backend',
  backend_active: 'gauge pool backend',
  backend_enabled: 'gauge pool backend',
  backend_connections_limit: 'gauge pool backend',
  backend_picks_total: 'counter pool backend',
  backend_failures_total: 'counter pool backend reason',
  backend_connect_seconds: 'histogram pool',
  retries_total: 'counter pool reason',
  retry_budget_exhausted_total: 'counter pool',
  queue_length: 'gauge pool',
  queue_waits_total: 'counter pool result',
  queue_wait_seconds: 'histogram pool',
  mirrors_total: 'counter listener route result',
  sticky_requests_total: 'counter listener route result',
  refusals_total: 'counter listener reason',
  bans_total: 'counter listener reason',
  bans_active: 'gauge listener reason',
  tls_handshakes_total: 'counter listener result',
  certificate_expiry_timestamp_seconds: 'gauge listener certificate',
  health_transitions_total: 'counter pool backend to',
  event_loop_utilization: 'gauge worker',
  event_loop_lag_seconds: 'gauge worker',
  overloaded: 'gauge worker',
  config_generation: 'gauge',
  config_reloads_total: 'counter result',
  config_last_reload_success: 'gauge',
  workers: 'gauge',
  worker_restarts_total: 'counter worker',
  build_info: 'gauge version node',
};

const entries: [string, MetricEntry][] = Object.entries(catalogue);

describe('the catalogue of metrics', () => {
  it('has the metrics of the contract, with their types and labels', () => {
    const found = Object.fromEntries(entries.map(([name, { type, labels }]) => [name, [type, ...labels].join(' ')]));
    expect(found).toEqual(contract);
    expect(METRIC_PREFIX).toBe('fairlead_');
  });

  it.each(entries)('%s follows the naming rules of Prometheus', (name, { type, labels, help }) => {
    expect(name).toMatch(/^[a-z][a-z_]*$/);
    for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    expect(new Set(labels).size).toBe(labels.length);
    expect(labels).not.toContain('le');
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(/(?<!_timestamp|_lag)_seconds$/.test(name)).toBe(type === 'histogram');
    expect(help).toMatch(/^[A-Z0-9].*\.$/);
  });

  it.each(entries)('%s has ascending buckets when, and only when, it is a histogram', (_name, { type, buckets }) => {
    if (type !== 'histogram') {
      expect(buckets).toBeUndefined();
      return;
    }
    expect(buckets).toEqual([...new Set(buckets)].sort((a, b) => a - b));
    expect(buckets?.map((seconds) => seconds * 10_000).join(' ')).toBe(
      '5 10 25 50 100 250 500 1000 2500 5000 10000 25000 50000 100000 300000',
    );
  });

  it('leaves to the control plane what only it knows', () => {
    const control = entries.filter(([, entry]) => entry.held === 'control').map(([name]) => name);
    expect(control.sort()).toEqual([
      'backend_active',
      'backend_connections_limit',
      'backend_enabled',
      'backend_up',
      'bans_active',
      'bans_total',
      'build_info',
      'certificate_expiry_timestamp_seconds',
      'config_generation',
      'config_last_reload_success',
      'config_reloads_total',
      'connections_limit',
      'health_transitions_total',
      'listener_connections_limit',
      'queue_length',
      'worker_restarts_total',
      'workers',
    ]);
  });
});

describe('the shapes of meters', () => {
  it('are those of every metric that workers count, and the latency of backends', () => {
    const counted = entries.filter(([, entry]) => entry.held === 'lane').map(([name]) => name);
    expect(meterShapes.map((shape) => shape.name)).toEqual([...counted, 'backend_latency']);
  });

  it.each(meterShapes)('$name takes the cells its type needs', ({ name, type, width, buckets, labels }) => {
    const entry = (catalogue as Record<string, MetricEntry>)[name];
    if (type === 'latency') {
      expect([name, width, labels]).toEqual(['backend_latency', LATENCY_CELLS, ['pool', 'backend']]);
      expect(entry).toBeUndefined();
      return;
    }
    expect([type, labels, buckets]).toEqual([entry?.type, entry?.labels, entry?.buckets ?? []]);
    expect(width).toBe(type === 'histogram' ? 15 + 2 : 1);
  });
});
