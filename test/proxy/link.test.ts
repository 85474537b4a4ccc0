import { describe, expect, it } from 'vitest';
import type { Backend, Endpoint } from '../../src/pool/backend.ts';
import type { ConnectPlan, PoolSite } from '../../src/proxy/deps.ts';
import type { HttpContext } from '../../src/proxy/http-context.ts';
import { Link } from '../../src/proxy/link.ts';
import type { BackendConnection, BackendUser, Upstreams } from '../../src/proxy/upstreams.ts';
import type { Wire } from '../../src/support/wire.ts';

const plan: ConnectPlan = {
  timeoutMs: 1000,
  local: '',
  keepAliveMax: 1,
  keepAliveIdleMs: 1000,
  proxyProtocol: 'off',
};

/** Connections that note what becomes of them, on a clock that stands still. */
class Lab {
  readonly notes: string[] = [];
  now = 100;
  kept: BackendConnection | undefined;
  readonly user = {} as BackendUser;
  readonly link: Link;

  constructor() {
    const upstreams: Pick<Upstreams, 'take' | 'dial' | 'keep'> = {
      take: () => this.kept,
      dial: ({ endpoint }) => endpoint && this.connection((endpoint as { host: string }).host),
      keep: (_connection, _plan, promisedMs) => this.notes.push(`kept ${promisedMs}`),
    };
    this.link = new Link(
      { site: { upstreams, deps: { now: () => this.now } } as unknown as HttpContext, wire: {} as Wire },
      this.user,
    );
  }

  connection(name: string, reused = false): BackendConnection {
    const wire = { name, start: () => this.notes.push(`start ${name}`) } as unknown as Wire;
    return {
      reused,
      wire,
      use: (user: BackendUser) => this.notes.push(`${user === this.user ? 'use' : 'lend'} ${name}`),
      drop: () => this.notes.push(`drop ${name}`),
      release: () => wire,
    } as unknown as BackendConnection;
  }
}

/** A backend behind these hosts. */
function backendAt(...hosts: string[]): Backend {
  const endpoints: Endpoint[] = hosts.map((host) => ({ host, port: 1 }));
  let turn = 0;
  return {
    endpoints,
    get endpoint() {
      return endpoints[turn % endpoints.length];
    },
    skipEndpoint: () => turn++,
  } as unknown as Backend;
}

describe('a link', () => {
  it('takes a connection that was kept', () => {
    const lab = new Lab();
    expect([lab.link.takeKept(backendAt('a'), plan), lab.link.reused, lab.link.dialled]).toEqual([false, false, false]);
    lab.kept = lab.connection('old', true);
    expect([lab.link.takeKept(backendAt('a'), plan), lab.link.reused, lab.link.dialled]).toEqual([true, true, false]);
    expect([lab.link.wire, lab.link.connectMs, lab.notes]).toEqual([lab.kept.wire, 0, ['use old']]);
  });

  it('dials one address after the other, and says when there is none left', () => {
    const { link, notes } = new Lab();
    const backend = backendAt('a', 'b');
    expect(link.dial(backend, plan)).toBe(true);
    expect([link.dialNext(backend, plan), link.dialNext(backend, plan)]).toEqual([true, false]);
    expect(notes).toEqual(['use a', 'drop a', 'use b', 'drop b']);
    expect([link.dial(backendAt(), plan), link.dialled, link.reused]).toEqual([false, true, false]);
  });

  it('measures how long the dial took', () => {
    const lab = new Lab();
    const seen: number[] = [];
    lab.link.dial(backendAt('a'), plan);
    lab.now += 7;
    lab.link.connected({ meters: { connected: (ms: number) => seen.push(ms) } } as unknown as PoolSite);
    expect([lab.link.connectMs, seen]).toEqual([7, [7]]);
  });

  it('gives its connection away once: to be kept, to a tunnel, or to nobody', () => {
    const { link, notes } = new Lab();
    link.dial(backendAt('a'), plan);
    link.resume();
    link.keep(plan, 5);
    link.dial(backendAt('b'), plan);
    expect(link.release()).toMatchObject({ name: 'b' });
    link.dial(backendAt('c'), plan);
    for (let i = 0; i < 2; i++) link.drop();
    link.resume();
    expect(notes).toEqual(['use a', 'start a', 'kept 5', 'use b', 'use c', 'drop c']);
  });
});
