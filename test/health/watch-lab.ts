import { HealthMonitor } from '../../src/health/monitor.ts';
import type { ActivePolicy, HealthPolicy, HealthTarget, TcpPolicy } from '../../src/health/policy.ts';
import type { Endpoint, Probe } from '../../src/health/probe.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** What a scripted backend does with a probe: it is well, hangs, or fails with this error; after `afterMs`. */
export interface Behaviour {
  readonly fails?: Error;
  readonly afterMs?: number;
  readonly hangs?: true;
}

/** A probe that was started. */
export interface Call {
  readonly port: number;
  readonly at: number;
  readonly policy: ActivePolicy;
  readonly to: Endpoint;
  readonly signal: AbortSignal;
  over: boolean;
}

/** A policy that probes every 2 s for at most 1 s, rise 2, fall 3, unless told otherwise. */
export function tcpPolicy(changes: Partial<TcpPolicy> = {}): TcpPolicy {
  return { type: 'tcp', interval: 2_000, timeout: 1_000, rise: 2, fall: 3, port: 0, ...changes };
}

/** A target named after its port. */
export function targetAt(port: number, policy: HealthPolicy = tcpPolicy()): HealthTarget {
  return { key: `pool/${port}`, address: { kind: 'tcp', host: '127.0.0.1', port }, policy };
}

/** The failure that most tests mean. */
export const refused: Behaviour = { fails: new Error('connection refused') };

/** A monitor on a clock that stands still, over backends whose behaviour is set by port; well unless set. */
export function watchLab({ random = (): number => 0.5 } = {}) {
  const clock = new FakeClock();
  const behaviours = new Map<number, Behaviour>();
  const calls: Call[] = [];
  const log: string[] = [];
  const probeFor = (policy: ActivePolicy): Probe => ({
    check: (to, signal) => {
      const port = to.address.kind === 'tcp' ? to.address.port : 0;
      const call: Call = { port, at: clock.now(), policy, to, signal, over: false };
      calls.push(call);
      return answer(clock, behaviours.get(port) ?? {}, signal).finally(() => (call.over = true));
    },
  });
  const monitor = new HealthMonitor({
    clock,
    random,
    probeFor,
    onChange: ({ key, status, previous, reason, at }) => log.push(`${at} ${key} ${previous} → ${status}: ${reason}`),
    onResult: (key, ok, reason) => log.push(`${clock.now()} ${key} ${ok ? 'ok' : 'no'}: ${reason}`),
  });
  const startsOf = (port: number) => calls.filter((call) => call.port === port).map((call) => call.at);
  const underWay = () => calls.filter((call) => !call.over).length;
  const changes = () => log.filter((line) => line.includes('→'));
  return { clock, behaviours, calls, log, monitor, startsOf, underWay, changes };
}

function answer(clock: FakeClock, { fails, afterMs = 0, hangs }: Behaviour, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const settle = () => (fails === undefined ? resolve() : reject(fails));
  const timer = hangs || afterMs === 0 ? undefined : clock.setTimeout(settle, afterMs);
  signal.addEventListener('abort', () => {
    if (timer !== undefined) clock.clearTimeout(timer);
    reject(signal.reason);
  });
  if (!hangs && afterMs === 0) settle();
  return promise;
}
