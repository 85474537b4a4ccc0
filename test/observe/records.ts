import type { ConnectionRecord, RequestRecord } from '../../src/observe/access-log.ts';
import type { TimerHandle } from '../../src/support/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** A clock that tells how many of the timers ever set on it would keep the process alive. */
export class UnrefClock extends FakeClock {
  holding = 0;

  override setTimeout(fn: () => void, ms: number): TimerHandle {
    const handle = super.setTimeout(fn, ms);
    this.holding++;
    return Object.assign(handle, { unref: () => this.holding-- });
  }
}

/** A request as a well-behaved client sends it; tests change what they are about. */
export function requestRecord(changed: Partial<RequestRecord> = {}): RequestRecord {
  return {
    kind: 'request',
    time: Date.UTC(2026, 1, 3, 4, 5, 6, 789),
    listener: 'web',
    route: 'route-1',
    pool: 'api',
    backend: '127.0.0.1:3001',
    client: '192.0.2.7',
    method: 'GET',
    target: '/v1/items?page=2',
    host: 'example.com',
    protocol: 'HTTP/1.1',
    status: 200,
    bytesIn: 120,
    bytesOut: 3656,
    bodyBytesOut: 3456,
    durationMs: 12.5,
    queueMs: 0,
    connectMs: 0,
    firstByteMs: 11.5,
    attempts: 1,
    ended: 'served',
    cause: '',
    requestId: 'c0ffee',
    traceId: '',
    userAgent: 'curl/8.0',
    referer: 'https://example.com/',
    ...changed,
  };
}

/** An L4 connection that was relayed and closed by both sides. */
export function connectionRecord(changed: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return {
    kind: 'connection',
    time: Date.UTC(2026, 11, 31, 23, 59, 59),
    listener: 'db',
    pool: 'postgres',
    backend: '127.0.0.1:5432',
    client: '2001:db8::1',
    bytesIn: 10,
    bytesOut: 20,
    durationMs: 1000,
    queueMs: 0,
    connectMs: 1.5,
    attempts: 2,
    ended: 'closed',
    ...changed,
  };
}
