import { once } from 'node:events';
import { EventSource } from 'eventsource';
import { afterEach, describe, expect, it } from 'vitest';
import { type Admin, createAdmin } from '../../src/admin/admin.ts';
import { EventBus } from '../../src/admin/event-bus.ts';
import { EventStreams } from '../../src/admin/event-stream.ts';
import type { EventBody } from '../../src/admin/events.ts';
import { systemClock } from '../../src/support/clock.ts';
import { fixedSource, get, open } from './fixture.ts';

const running: Admin[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((admin) => admin.close()));
});

const died = (worker: number, reason = ''): EventBody => ({ kind: 'worker', worker, to: 'died', reason });

async function start(limits: ConstructorParameters<typeof EventStreams>[1] = {}) {
  const bus = new EventBus(systemClock);
  const source = fixedSource({ events: new EventStreams(bus, limits) });
  const logger = { error: () => undefined };
  const bind = [{ kind: 'tcp', host: '127.0.0.1', port: 0 }] as const;
  const admin = await createAdmin({ source, bind, token: '', logger });
  running.push(admin);
  const [address] = admin.addresses;
  const port = address?.kind === 'tcp' ? address.port : 0;
  return { admin, bus, port, url: `http://127.0.0.1:${port}/api/events` };
}

/** A stream that is read on a bare socket, to its end or as far as it got. */
async function stream(port: number, query = '', ...lines: string[]) {
  const opened = await open(port);
  opened.socket.write(get(`/api/events${query}`, `Host: 127.0.0.1:${port}`, ...lines));
  await expect.poll(opened.received).toContain('retry: ');
  return opened;
}

const workersIn = (text: string): number[] => [...text.matchAll(/"worker":(\d+)/g)].map(([, worker]) => Number(worker));

describe('GET /api/events', () => {
  it('tells what happens to an EventSource, which misses nothing when its connection is lost', async () => {
    const { bus, url, port } = await start();
    bus.publish(died(0));
    const source = new EventSource(url);
    const heard: number[] = [];
    source.addEventListener('worker', ({ data }) => heard.push(JSON.parse(data).worker));
    await expect.poll(() => heard).toEqual([0]);
    bus.publish(died(1));
    await expect.poll(() => heard).toEqual([0, 1]);
    await running.pop()!.close();
    bus.publish(died(2));
    const logger = { error: () => undefined };
    const events = new EventStreams(bus);
    const bind = [{ kind: 'tcp', host: '127.0.0.1', port }] as const;
    running.push(await createAdmin({ source: fixedSource({ events }), bind, token: '', logger }));
    await expect.poll(() => heard, { timeout: 5000 }).toEqual([0, 1, 2]);
    source.close();
  });

  it('begins with as many of the latest events as are wanted, of the kinds that are wanted', async () => {
    const { bus, port } = await start();
    for (let worker = 0; worker < 3; worker++) bus.publish(died(worker));
    bus.publish({ kind: 'instance', to: 'open' });
    expect(workersIn((await stream(port)).received())).toEqual([0, 1, 2]);
    expect(workersIn((await stream(port, '?last=2')).received())).toEqual([2]);
    const narrow = await stream(port, '?last=9&kinds=instance,reload');
    bus.publish(died(7));
    bus.publish({ kind: 'instance', to: 'draining' });
    await expect.poll(narrow.received).toContain('draining');
    expect(workersIn(narrow.received())).toEqual([]);
  });

  it('goes on after Last-Event-ID, and says when that was too long ago', async () => {
    const { bus, port } = await start();
    for (let worker = 0; worker < 2; worker++) bus.publish(died(worker));
    const id = /id: (\S+)/.exec((await stream(port)).received())![1]!;
    const known = (await stream(port, '', `Last-Event-ID: ${id}`)).received();
    expect(workersIn(known)).toEqual([1]);
    expect(known).not.toContain('event: missed');
    const lost = (await stream(port, '', 'Last-Event-ID: of-another-life')).received();
    expect(workersIn(lost)).toEqual([0, 1]);
    expect(lost).toContain('event: missed\n');
  });

  it('shows that the connection stands, and that nothing is to hold it back', async () => {
    const { port } = await start({ heartbeatMs: 20 });
    const { received } = await stream(port);
    await expect.poll(received).toMatch(/\n:\n\n/);
    expect(received()).toMatch(/^content-type: text\/event-stream/im);
    expect(received()).toMatch(/^cache-control: no-store/im);
    expect(received()).toMatch(/^x-accel-buffering: no/im);
  });

  it.each([
    ['?last=-1', 'last is no number from 0 to 9999'],
    ['?last=1&last=2', 'last is there twice'],
    ['?kinds=healht', "there are no events 'healht'; did you mean 'health'?"],
  ])('refuses %s', async (query, message) => {
    const { url } = await start();
    const response = await fetch(url + query);
    expect([response.status, await response.json()]).toEqual([400, { error: 'bad-request', message }]);
  });

  it('has no HEAD, which would never end', async () => {
    const { url } = await start();
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(404);
  });
});

describe('its limits', () => {
  it('turns away more clients than it takes, until one leaves', async () => {
    const { port, url } = await start({ clients: 1 });
    const first = await stream(port);
    const second = await fetch(url);
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await second.json()).toMatchObject({ error: 'too-many-clients' });
    first.socket.destroy();
    await expect.poll(async () => (await fetch(url, { signal: AbortSignal.timeout(500) })).status).toBe(200);
  });

  it('cuts off a client that does not read', async () => {
    const { bus, port } = await start({ waitingBytes: 256 * 1024 });
    const lazy = await stream(port);
    lazy.socket.pause();
    const reason = 'x'.repeat(64 * 1024);
    const cutOff = () => {
      for (let worker = 0; worker < 20; worker++) bus.publish(died(worker, reason));
      return !bus.wants('worker');
    };
    await expect.poll(cutOff, { interval: 20, timeout: 5000 }).toBe(true);
    lazy.socket.resume();
    await lazy.closed;
  });

  it('ends its streams when the server closes', async () => {
    const { admin, port } = await start();
    const { socket } = await stream(port);
    const ended = once(socket, 'close');
    await admin.close();
    await ended;
  });
});
