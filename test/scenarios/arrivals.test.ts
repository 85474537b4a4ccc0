import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { Connections } from '../../src/admin/schema.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { TestAuthority } from '../support/certificates.ts';
import { comeFrom } from '../support/come-from.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

const SOURCE = '127.0.0.2';
const HEADER = `PROXY TCP4 ${SOURCE} 127.0.0.1 4660 443\r\n`;
const health = { type: 'off' } as const;
const tcp = { protocol: 'tcp', bind: '127.0.0.1:0', timeouts: { opening: '30s' } } as const;
const bySni = { routes: [{ match: { sni: 'a.test' }, pool: 'back' }, { pool: 'back' }] };
const web = { protocol: 'http', bind: '127.0.0.1:0' } as const;

/** What may have to come before a connection is served. */
interface Kind {
  readonly name: string;
  readonly listener: object;
  readonly isTls?: boolean;
  /** What a client has sent of it already. */
  readonly first: string;
}

const kinds: readonly Kind[] = [
  { name: 'a ClientHello', listener: { ...tcp, ...bySni }, first: '' },
  { name: 'a ClientHello behind a PROXY header', listener: { ...tcp, ...bySni, proxyProtocol: true }, first: HEADER },
  { name: 'TLS', listener: { ...tcp, pool: 'back' }, isTls: true, first: '' },
  {
    name: 'TLS behind a PROXY header',
    listener: { ...tcp, pool: 'back', proxyProtocol: true },
    isTls: true,
    first: HEADER,
  },
  { name: 'TLS of http', listener: { ...web, pool: 'back' }, isTls: true, first: '' },
];

async function stage({ listener, isTls = false, first }: Kind, more: object = {}) {
  const isHttp = (listener as { protocol?: string }).protocol === 'http';
  const { address, taken } = isHttp ? await httpBackend() : await echo();
  const { files } = new TestAuthority().issue('a', { subject: { CN: 'a.test' }, names: ['a.test'] });
  const config: ConfigInput = {
    admin: { bind: '127.0.0.1:0' },
    shutdown: { grace: '20s' },
    listeners: { in: { ...listener, ...(isTls ? { tls: files } : {}), ...more } as never },
    pools: { back: { backends: [address], health } },
  };
  const lb = await runFairlead(config);
  const client = await openFrom(SOURCE, lb.address('in'));
  client.write(first);
  await eventually(async () => (await shown(lb)).open[0]?.phase === 'opening', 'its arrival');
  /** Goes on with what has to come, and asks for something; ends when there is an answer. */
  const serve = async (): Promise<string> => {
    const socket = isTls ? tls.connect({ socket: client, servername: 'a.test', rejectUnauthorized: false }) : client;
    if (isTls) await once(socket, 'secureConnect');
    socket.write(isHttp ? get() : 'words');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString();
  };
  return { lb, config, client, serve, taken, answer: isHttp ? 'HTTP/1.1 200 OK' : 'words' };
}

async function echo() {
  const peer = await startPeer((socket) => socket.pipe(socket));
  return { address: peer.address, taken: () => peer.taken };
}

/** Never ends its answers, so that a connection is there for as long as its client, also where none may be kept. */
async function httpBackend() {
  const backend = await startBackend(answerText('ok').slice(0, -1));
  return { address: backend.address, taken: () => backend.requests.length };
}

async function openFrom(localAddress: string, address: string): Promise<net.Socket> {
  const client = net.connect({ host: '127.0.0.1', port: Number(address.split(':').at(-1)), localAddress });
  remember({ close: () => void client.destroy() });
  client.on('error', () => {});
  await once(client, 'connect');
  return client;
}

async function shown(lb: RunningFairlead): Promise<Connections> {
  return (await (await fetch(`http://${lb.adminAddresses[0]}/api/connections`)).json()) as Connections;
}

const active = (lb: RunningFairlead) => metric(lb, 'connections_active', { listener: 'in' });

/** The connection is over, on both sides, and no backend has heard of it. */
async function expectGone({ lb, client, taken }: Awaited<ReturnType<typeof stage>>): Promise<void> {
  await eventually(() => client.destroyed, 'its end');
  await eventually(async () => (await active(lb)) === 0, 'its end in Fairlead');
  expect([(await shown(lb)).total, taken()]).toEqual([0, 0]);
}

describe.each(kinds)('a connection that waits for $name', (kind) => {
  it('is listed, with its age from when it was accepted', async () => {
    const { lb, serve, answer } = await stage(kind);
    const since = performance.now();
    expect(await active(lb)).toBe(1);
    const [one, ...others] = (await shown(lb)).open;
    expect(others).toEqual([]);
    expect(one).toMatchObject({ listener: 'in', client: SOURCE, phase: 'opening', backend: null, ended: null });
    if (one!.protocol === 'tcp') expect(await metric(lb, 'connections_phase', { phase: 'opening' })).toBe(1);
    await pause(60);
    const waited = performance.now() - since;
    expect(await serve()).toContain(answer);
    const { total, open } = await shown(lb);
    expect(total).toBe(1);
    if (one!.protocol === 'tcp') expect(open[0]!.ageMs).toBeGreaterThanOrEqual(waited);
    expect(await metric(lb, 'connections_phase', { phase: 'opening' })).toBe(0);
  });

  it('is cut when its source is denied', async () => {
    const staged = await stage(kind);
    const { lb, config } = staged;
    await lb.reloadWith({ ...config, listeners: { in: { ...config.listeners['in'], deny: [SOURCE] } as never } });
    await expectGone(staged);
  });

  it('is cut when its source is banned', async () => {
    const staged = await stage(kind, { guard: { bad: '3/h' } });
    staged.lb.source.bans.ban({ address: SOURCE }, 'somebody');
    await expectGone(staged);
  });

  it('is cut when its source is banned after a reload', async () => {
    const staged = await stage(kind, { guard: { bad: '3/h' } });
    await staged.lb.reloadWith(staged.config);
    staged.lb.source.bans.ban({ address: SOURCE }, 'somebody');
    await expectGone(staged);
  });

  it('is served by a listener that is gone, and known of', async () => {
    const { lb, config, serve, answer } = await stage(kind);
    await lb.reloadWith({ ...config, listeners: { other: { ...tcp, pool: 'back' } } });
    expect((await shown(lb)).open).toMatchObject([{ listener: 'in', phase: 'opening' }]);
    expect(await serve()).toContain(answer);
    expect((await shown(lb)).total).toBe(1);
  });

  it('is waited for by a drain', async () => {
    const { lb, client, serve, answer } = await stage(kind);
    const drained = lb.drain();
    await pause(100);
    expect(await serve()).toContain(answer);
    client.destroy();
    expect(await drained).toBe(true);
  });
});

it('does not take who passes a connection on for its client', async () => {
  const proxied = kinds[1]!;
  const { lb, config, client } = await stage({ ...proxied, first: HEADER.slice(0, 20) });
  await lb.reloadWith({
    ...config,
    listeners: { in: { ...config.listeners['in'], allow: ['192.0.2.0/24'] } as never },
  });
  client.write(`${HEADER.slice(20).replace('\r\n', '')}\r\n`);
  await eventually(() => client.destroyed, 'its end');
  expect(await metric(lb, 'refusals_total', { reason: 'forbidden' })).toBe(1);
  const allowed = comeFrom(SOURCE, lb.address('in')).send(HEADER.replace(SOURCE, '192.0.2.7')).send('words');
  await allowed.until(() => allowed.text === 'words', 'an echo');
});
