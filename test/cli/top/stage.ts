import type { BackendStatus, PoolStatus } from '../../../src/admin/schema.ts';
import type { Snapshot } from '../../../src/cli/top/view.ts';

/** A backend of a snapshot. */
export function backend(id: string, more: Partial<BackendStatus> = {}): BackendStatus {
  const rest = { active: 0, total: 0, failures: 0, latencyMs: { p50: null, p99: null } };
  return {
    id,
    address: '127.0.0.1:1',
    weight: 1,
    effectiveWeight: 1,
    state: 'enabled',
    health: 'up',
    healthReason: 'fine',
    ...rest,
    ...more,
  };
}

/** A snapshot of an instance with these pools. */
export function snapshot(pools: Record<string, BackendStatus[]>, more: Partial<Snapshot> = {}): Snapshot {
  const status = {
    version: '1.2.3',
    node: 'v26.0.0',
    pid: 42,
    startedAt: '2026-01-01T00:00:00Z',
    uptimeMs: 3_725_000,
    generation: 7,
    configPath: 'fairlead.yaml',
    workers: [{ id: 0, state: 'serving' as const, restarts: 0, connections: 1 }],
    listeners: [
      {
        name: 'web',
        protocol: 'http' as const,
        tls: false,
        bind: [],
        addresses: [],
        active: 12,
        total: 1000,
        routes: [],
      },
      { name: 'db', protocol: 'tcp' as const, tls: false, bind: [], addresses: [], active: 0, total: 0, routes: [] },
    ],
  };
  const all = Object.entries(pools).map(([name, backends]) => {
    const version = `${name}-${more.atMs ?? 0}`;
    return { name, algorithm: 'p2c', healthy: 1, active: 0, version, backends } as PoolStatus;
  });
  return { status, readiness: { ready: true, reasons: [] }, pools: all, atMs: 0, ...more } as Snapshot;
}
