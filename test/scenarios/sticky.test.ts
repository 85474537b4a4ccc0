import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { TestAuthority } from '../support/certificates.ts';
import { fieldOf, type HttpText } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, type RecordingBackend, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { connectTls } from '../support/tls-client.ts';

afterAll(closeOpened);

type Route = NonNullable<Extract<ConfigInput['listeners'][string], { protocol: 'http' }>['routes']>[number];
type Pool = NonNullable<ConfigInput['pools']>[string];

function configFor(backends: Pool['backends'], sticky: Route['sticky'], pool: Partial<Pool> = {}): ConfigInput {
  return {
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
    listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', routes: [{ name: 'app', pool: 'web', sticky }] } },
    pools: { web: { backends, health: { type: 'off' }, ...pool } },
  };
}

/** Backends that answer with their number. */
function startMany(count: number): Promise<RecordingBackend[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => startBackend(answerText(String(i)))));
}

const addressesOf = (backends: readonly RecordingBackend[]): string[] => backends.map(({ address }) => address);

/** Asks on a connection of its own, which may be on any worker. */
async function ask(lb: RunningFairlead, path: string, ...fields: string[]): Promise<HttpText> {
  const client = await connectTo(lb.address());
  const answer = await client.send(get(path, ...fields)).answer();
  client.close();
  return answer;
}

function cookieOf(answer: HttpText): string {
  return `Cookie: ${fieldOf(answer, 'set-cookie')!.split(';')[0]}`;
}

describe('sticky sessions', () => {
  it('by cookie stay over workers, reloads and a restart, and spread otherwise', async () => {
    const backends = await startMany(3);
    const config = configFor(addressesOf(backends), { cookie: 'fl', ttl: '1h', secret: 'hush' });
    const lb = await runFairlead(config);
    const first = await Promise.all(Array.from({ length: 12 }, () => ask(lb, '/')));
    expect(new Set(first.map(({ body }) => body)).size).toBe(3);
    expect(fieldOf(first[0]!, 'set-cookie')).toMatch(/^fl=[\w-]{24}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    const same = async (instance: RunningFairlead): Promise<void> => {
      for (const answer of first) {
        const again = await ask(instance, '/', cookieOf(answer));
        expect([again.body, fieldOf(again, 'set-cookie')]).toEqual([answer.body, '']);
      }
    };
    await same(lb);
    await lb.reloadWith(
      configFor([...addressesOf(await startMany(1)), ...addressesOf(backends)], {
        cookie: 'fl',
        ttl: '1h',
        secret: 'hush',
      }),
    );
    await same(lb);
    const restarted = await runFairlead(config);
    await same(restarted);
    expect(await metric(restarted, 'sticky_requests_total', { route: 'app', result: 'kept' })).toBe(12);
    for (const { text } of backends) expect(text).not.toContain('Set-Cookie');
  });

  it('by a key of the client stay over workers, reloads that add backends, and a restart', async () => {
    const backends = await startMany(4);
    const three = configFor(addressesOf(backends.slice(0, 3)), { header: 'x-session' });
    const lb = await runFairlead(three);
    const keys = Array.from({ length: 20 }, (_, i) => `X-Session: user-${i}`);
    const where = (instance: RunningFairlead) =>
      Promise.all(keys.map(async (field) => (await ask(instance, '/', field)).body));
    const first = await where(lb);
    expect(new Set(first).size).toBe(3);
    expect(await where(await runFairlead(three))).toEqual(first);
    await lb.reloadWith(configFor(addressesOf(backends), { header: 'x-session' }));
    expect(await where(lb)).toEqual(first);
  });

  it('by a key that the backend makes are learned from its answer, however it is framed', async () => {
    let made = 0;
    const seen: string[] = [];
    const backends = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        startBackend((request, { socket }) => {
          const sid = /sid=(\w+)/.exec(request.startLine)?.[1];
          if (sid !== undefined) {
            seen.push(`${name} ${sid}`);
            return answerText(name);
          }
          const body = `0{"sid":"${name}${made++}","upgrades":["websocket"]}`;
          if (made % 2 === 0) return answerText(body);
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0{"si\r\n');
          setImmediate(() => socket.write(`${(body.length - 5).toString(16)}\r\n${body.slice(5)}\r\n0\r\n\r\n`));
          return undefined;
        }),
      ),
    );
    const lb = await runFairlead(configFor(addressesOf(backends), { query: 'sid' }));
    const openings = await Promise.all(Array.from({ length: 18 }, () => ask(lb, '/io/?EIO=4')));
    const sids = openings.map(({ body }) => /"sid":"(\w+)"/.exec(body)![1]!);
    await Promise.all(sids.map((sid) => ask(lb, `/io/?EIO=4&sid=${sid}`)));
    expect(seen).toHaveLength(18);
    for (const line of seen) expect(line).toMatch(/^(\w) \1\d+$/);
    expect(new Set(seen.map((line) => line[0])).size).toBe(3);
  });

  it('by a key are picked anew when their backend has left, also after another has got its slot', async () => {
    const backends = await startMany(4);
    const [gone, , , later] = addressesOf(backends);
    const three = addressesOf(backends.slice(0, 3));
    const lb = await runFairlead({ ...configFor(three, { header: 'x-session' }), workers: 1 });
    const keys = Array.from({ length: 30 }, (_, i) => `X-Session: user-${i}`);
    const where = () => Promise.all(keys.map(async (field) => (await ask(lb, '/', field)).body));
    const first = await where();
    const reload = (addresses: string[]) =>
      lb.reloadWith({ ...configFor(addresses, { header: 'x-session' }), workers: 1 });
    await reload(three.slice(1));
    const real = Date.now;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() + 61_000);
    onTestFinished(() => clock.mockRestore());
    await reload([later!, ...three.slice(1)]);
    const moved = await where();
    const ofGone = first.flatMap((body, i) => (three[Number(body)] === gone ? [moved[i]] : []));
    expect(new Set(ofGone).size).toBeGreaterThan(1);
    expect(moved.filter((_, i) => first[i] !== '0')).toEqual(first.filter((body) => body !== '0'));
    expect(await metric(lb, 'sticky_requests_total', { route: 'app', result: 'moved' })).toBe(ofGone.length);
    expect(await where()).toEqual(moved);
  });

  it('move once when their backend dies, and tell the client', async () => {
    const backends = await startMany(3);
    const lb = await runFairlead(configFor(addressesOf(backends), { cookie: 'fl' }));
    const first = await ask(lb, '/');
    await backends[Number(first.body)]!.close();
    const moved = await ask(lb, '/', cookieOf(first));
    expect(moved.body).not.toBe(first.body);
    expect(cookieOf(moved)).not.toBe(cookieOf(first));
    for (let i = 0; i < 6; i++) {
      const again = await ask(lb, '/', cookieOf(moved));
      expect([again.body, fieldOf(again, 'set-cookie')]).toEqual([moved.body, '']);
    }
  });

  it('move when their backend leaves the config, and stay in the pool of a split', async () => {
    const [one, two] = await startMany(2);
    const split = [
      { pool: 'web', weight: 1 },
      { pool: 'next', weight: 1 },
    ];
    const listeners: ConfigInput['listeners'] = {
      web: { protocol: 'http', bind: '127.0.0.1:0', routes: [{ split, sticky: { cookie: 'fl' } }] },
    };
    const health = { type: 'off' as const };
    const lb = await runFairlead({
      listeners,
      pools: { web: { backends: [one!.address], health }, next: { backends: [two!.address], health } },
    });
    const first = [await ask(lb, '/'), await ask(lb, '/')];
    expect(first.map(({ body }) => body).sort()).toEqual(['0', '1']);
    for (let i = 0; i < 5; i++) {
      for (const answer of first) expect((await ask(lb, '/', cookieOf(answer))).body).toBe(answer.body);
    }
    await lb.reloadWith({
      listeners,
      pools: { web: { backends: [one!.address], health }, next: { backends: [one!.address], health } },
    });
    const ofNext = first.find(({ body }) => body === '1')!;
    const moved = await ask(lb, '/', cookieOf(ofNext));
    expect(moved.body).toBe('0');
    expect(fieldOf(moved, 'set-cookie')).toMatch(/^fl=/);
  });

  it.each([{ cookie: 'fl' }, { header: 'x-session' }, { query: 'sid' }])(
    'of a request under way (%o) go on a backend that a reload has brought',
    async (sticky) => {
      const [later] = await startMany(1);
      let drop = (): void => {};
      const first = await startBackend((_request, connection) => {
        drop = () => connection.socket.destroy();
        return undefined;
      });
      const lb = await runFairlead({ ...configFor([first.address], sticky), workers: 1 });
      const answer = ask(lb, '/?sid=7', 'X-Session: 7');
      await eventually(() => first.requests.length === 1, 'the request at its backend');
      await lb.reloadWith({ ...configFor([later!.address], sticky), workers: 1 });
      drop();
      const served = await answer;
      expect(served.body).toBe('0');
      if ('cookie' in sticky) {
        expect((await ask(lb, '/', cookieOf(served))).body).toBe('0');
        expect(await metric(lb, 'sticky_requests_total', { route: 'app', result: 'kept' })).toBe(1);
      }
    },
  );

  it('leave others to backends that have less to do', async () => {
    const backends = await startMany(3);
    const lb = await runFairlead({ ...configFor(addressesOf(backends), { cookie: 'fl' }), workers: 1 });
    const first = await ask(lb, '/');
    for (let i = 0; i < 12; i++) await ask(lb, '/', cookieOf(first));
    const others = await Promise.all(Array.from({ length: 6 }, async () => (await ask(lb, '/')).body));
    expect(others).not.toContain(first.body);
  });

  it('and a WebSocket get their cookie over TLS only, where the listener has TLS', async () => {
    const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
    const backend = await startBackend(({ startLine }) => (startLine.includes('/ws') ? switched : answerText('ok')));
    const config = configFor([backend.address], { cookie: 'fl' });
    const listener = { ...config.listeners['web']!, tls: new TestAuthority().for('localhost') };
    const lb = await runFairlead({ ...config, listeners: { web: listener } });
    const ask = async (text: string): Promise<string> => {
      const client = await connectTls(lb.address(), { rejectUnauthorized: false });
      client.send(text);
      await client.until(() => client.text.includes('\r\n\r\n'), 'a head');
      return client.text;
    };
    const cookie = /\r\nSet-Cookie: fl=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Secure\r\n/;
    expect(await ask(get('/'))).toMatch(cookie);
    expect(await ask(get('/ws', 'Connection: Upgrade', 'Upgrade: websocket'))).toMatch(cookie);
  });

  it('show no secret and no address', async () => {
    const [backend] = await startMany(1);
    const config = configFor([backend!.address], { cookie: 'fl', secret: 'hush-hush' });
    const lb = await runFairlead({ ...config, log: { level: 'debug', access: true } });
    const answer = await ask(lb, '/');
    expect(fieldOf(answer, 'set-cookie')).not.toContain('127');
    await eventually(() => lb.accessLines.length > 0, 'the access log');
    const shown = await (await fetch(`http://${lb.adminAddresses[0]}/api/config`)).text();
    for (const text of [shown, ...lb.logLines, ...lb.accessLines]) expect(text).not.toContain('hush');
  });
});
