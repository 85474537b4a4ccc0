import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type HttpExpectation, HttpProbe } from '../../src/health/http-probe.ts';
import { lookupThrough } from '../../src/support/resolve.ts';
import {
  closeBackends,
  expectAllClosed,
  reasonOf,
  refusing,
  socketBackend,
  socketPath,
  tcpAt,
  unixAt,
} from './socket-backend.ts';

afterEach(closeBackends);

const resolve = async (host: string) => {
  if (host === 'web.test') return ['127.0.0.1'];
  throw new Error(`name ${host} does not resolve: no such name`);
};
const lookup = lookupThrough({ resolve });

function httpProbe(expected: Partial<HttpExpectation> = {}) {
  const probe = new HttpProbe(
    { path: '/healthz', status: [[200, 399]], body: '', ...expected },
    { lookup, version: '1.2.3' },
  );
  return probe.check.bind(probe);
}

const patient = () => new AbortController().signal;

/** A backend that sends these pieces, some turns apart, to whoever has sent a whole request head. */
function answering(...pieces: (string | Buffer)[]) {
  return async (socket: Socket, requests?: string[]) => {
    let head = '';
    socket.on('data', async (chunk) => {
      head += chunk;
      if (!head.endsWith('\r\n\r\n')) return;
      requests?.push(head);
      for (const piece of pieces) {
        socket.write(piece);
        await sleep(5);
      }
    });
  };
}

const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

async function checked(raw: string | Buffer | (string | Buffer)[], expected: Partial<HttpExpectation> = {}) {
  const backend = await socketBackend(answering(...[raw].flat()));
  const outcome = await httpProbe(expected)(backend.to, patient()).then(
    () => 'well',
    (error: Error) => error.message,
  );
  await expectAllClosed(backend);
  return outcome;
}

describe('what is asked', () => {
  const asked = async (where: string, host?: string) => {
    const requests: string[] = [];
    const backend = await socketBackend((socket) => void answering(ok('fine'))(socket, requests), where);
    const { address } = backend.to;
    const port = address.kind === 'tcp' ? address.port : 0;
    const to = host === undefined ? backend.to : tcpAt(host, port);
    const signal = patient();
    await httpProbe({ path: '/healthz?full=1' })(to, signal);
    await expectAllClosed(backend);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(backend.endings).toEqual(['end']);
    return { requests, port };
  };
  const head = (host: string) => [
    `GET /healthz?full=1 HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: fairlead-health/1.2.3\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
  ];

  test('one GET on a connection of its own', async () => {
    const { requests, port } = await asked('127.0.0.1');
    expect(requests).toEqual(head(`127.0.0.1:${port}`));
  });

  test('with brackets around an IPv6 address', async () => {
    const { requests, port } = await asked('::1');
    expect(requests).toEqual(head(`[::1]:${port}`));
  });

  test('with a zone kept out of the Host', async () => {
    const device = Object.entries(networkInterfaces()).find(([, all]) => all?.some(({ address }) => address === '::1'));
    const { requests, port } = await asked('::1', `::1%${device?.[0]}`);
    expect(requests).toEqual(head(`[::1]:${port}`));
  });

  test('of a name, at its address', async () => {
    const { requests, port } = await asked('127.0.0.1', 'web.test');
    expect(requests).toEqual(head(`web.test:${port}`));
  });

  test('over a Unix socket', async () => {
    expect((await asked(socketPath())).requests).toEqual(head('localhost'));
  });

  test('on the port of the policy, named in the Host', async () => {
    const requests: string[] = [];
    const backend = await socketBackend((socket) => void answering(ok(''))(socket, requests));
    const { address } = backend.to;
    const port = address.kind === 'tcp' ? address.port : 0;
    await httpProbe({ path: '/healthz?full=1' })({ ...tcpAt('127.0.0.1', 1), port }, patient());
    expect(requests).toEqual(head(`127.0.0.1:${port}`));
  });
});

describe('the status', () => {
  const status = (code: number) =>
    `HTTP/1.1 ${code} Whatever\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n`;
  const ranges: [number, number][] = [
    [200, 299],
    [304, 304],
  ];

  test.each([200, 299, 304])('%i is in its range', async (code) => {
    expect(await checked(status(code), { status: ranges })).toBe('well');
  });

  test.each([199, 300, 302, 303, 305, 503])('%i is not', async (code) => {
    const raw = code === 199 ? [status(199), status(503)] : status(code);
    const seen = code === 199 ? 503 : code;
    expect(await checked(raw, { status: ranges })).toBe(`status ${seen}, expected 200-299, 304`);
  });

  test('a redirect is an answer, and is not followed', async () => {
    expect(await checked(status(302))).toBe('well');
  });

  test('an interim answer is not the answer', async () => {
    expect(await checked(['HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n', status(200)])).toBe('well');
  });

  test('switching protocols unasked is no good answer', async () => {
    const raw = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n';
    expect(await checked(raw)).toBe('connection closed before the answer');
  });
});

describe('the body', () => {
  test.each([
    ['all is ok here', 'ok', 'well'],
    ['not well', 'ok', 'body does not contain "ok"'],
    ['', 'ok', 'body does not contain "ok"'],
    ['ask', 'ok', 'body does not contain "ok"'],
    ['1+1', '1+1', 'well'],
    ['11', '1+1', 'body does not contain "1+1"'],
    ['OK 17', '~^OK \\d+$', 'well'],
    ['OK', '~^OK \\d+$', 'body does not match ~^OK \\d+$'],
    ['zażółć', 'żółć', 'well'],
  ])('%j judged by %j: %s', async (body, expected, outcome) => {
    expect(await checked(ok(body), { body: expected })).toBe(outcome);
  });

  test('in pieces and chunks is one body', async () => {
    const raw = [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nal',
      '\r\n5\r\nl is \r\n2\r\nok\r\n',
      '0\r\n\r\n',
    ];
    expect(await checked(raw, { body: '~^all is ok$' })).toBe('well');
  });

  test('that is huge is judged by its first 64 KiB', async () => {
    const huge = (at: number) => {
      const body = Buffer.alloc(4 * 1024 * 1024, '.');
      body.write('ok', at);
      return [`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`, body];
    };
    expect(await checked(huge(65_534), { body: 'ok' })).toBe('well');
    expect(await checked(huge(65_535), { body: 'ok' })).toBe('body does not contain "ok" in its first 64KiB');
    expect(await checked(huge(0))).toBe('well');
  });

  test('that never ends is left after 64 KiB', async () => {
    const backend = await socketBackend((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const pour = setInterval(() => socket.write(Buffer.alloc(16_384, '.')), 2);
      socket.resume().on('close', () => clearInterval(pour));
      socket.on('end', () => socket.destroy());
    });
    await httpProbe()(backend.to, patient());
    expect(await reasonOf(httpProbe({ body: 'ok' })(backend.to, patient()))).toMatch(/ in its first 64KiB$/);
    await expectAllClosed(backend);
  });

  test('of 64 KiB is read whole', async () => {
    const outcome = await checked(ok('.'.repeat(65_536)), { body: '~x' });
    expect(outcome).toBe('body does not match ~x');
  });

  test('a regular expression that does not compile is refused at once', () => {
    expect(() => httpProbe({ body: '~(' })).toThrow(SyntaxError);
  });
});

describe('when time runs out', () => {
  const late = async (pieces: string[], expected: Partial<HttpExpectation>) => {
    const backend = await socketBackend(answering(...pieces));
    const deadline = new AbortController();
    const check = httpProbe(expected)(backend.to, deadline.signal);
    const outcome = check.then(
      () => 'well',
      (error: Error) => error.message,
    );
    await sleep(60);
    deadline.abort(new Error('no answer within 1s'));
    let settled = '';
    void outcome.then((text) => (settled = text));
    for (let hops = 0; hops < 6; hops++) await Promise.resolve();
    expect(settled, 'settled in the same turn').not.toBe('');
    await expectAllClosed(backend);
    return outcome;
  };
  const slow = ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 'ok'];

  test('before an answer, the check fails', async () => {
    expect(await late([], {})).toBe('no answer within 1s');
  });

  test('in the middle of a head, the check fails', async () => {
    expect(await late(['HTTP/1.1 200 OK\r\nContent-'], {})).toBe('no answer within 1s');
  });

  test('in the middle of a body that counts, the check fails', async () => {
    expect(await late(slow, { body: 'ok' })).toBe('no answer within 1s');
  });

  test('in the middle of a body that does not count, the head has decided', async () => {
    expect(await late(slow, {})).toBe('well');
  });

  test('before it begins, nothing is sent', async () => {
    const backend = await socketBackend(answering(ok('')));
    const signal = AbortSignal.abort(new Error('no longer watched'));
    expect(await reasonOf(httpProbe()(backend.to, signal))).toBe('no longer watched');
    await sleep(20);
    expect(backend.sockets).toHaveLength(0);
  });
});

describe('a backend that fails', () => {
  test('refuses', async () => {
    expect(await reasonOf(httpProbe()(await refusing(), patient()))).toBe('connection refused');
  });

  test('has no socket file', async () => {
    expect(await reasonOf(httpProbe()(unixAt(socketPath()), patient()))).toBe('no such socket file');
  });

  test('has a name that does not resolve', async () => {
    const reason = 'name gone does not resolve: no such name';
    expect(await reasonOf(httpProbe()(tcpAt('gone', 80), patient()))).toBe(reason);
  });

  const failing = async (serve: (socket: Socket) => void, expected: Partial<HttpExpectation> = {}) =>
    reasonOf(httpProbe(expected)((await socketBackend(serve)).to, patient()));

  test('closes without an answer', async () => {
    const reason = 'connection closed before the answer';
    expect(await failing((socket) => void socket.resume().once('data', () => socket.end()))).toBe(reason);
  });

  test('resets without an answer', async () => {
    expect(await failing((socket) => void socket.once('data', () => socket.resetAndDestroy()))).toBe(
      'connection reset',
    );
  });

  test.each(['', 'ok'])('closes in the middle of its body, expected to contain "%s"', async (body) => {
    const serve = (socket: Socket) =>
      void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok'));
    expect(await failing(serve, { body })).toBe('connection closed in the middle of the answer');
  });

  test.each([
    ['SSH-2.0-OpenSSH_10.0\r\n', 'answer is not HTTP'],
    [`HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(100_000)}\r\n\r\n`, 'response head is too large'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'answer is not HTTP'],
  ])('answers %.20j', async (raw, reason) => {
    expect(await checked(raw)).toBe(reason);
  });

  test('a path that cannot be sent fails the check, not the process', async () => {
    expect(await reasonOf(httpProbe({ path: '/a b' })(tcpAt('127.0.0.1', 1), patient()))).toMatch(/unescaped/);
  });
});
