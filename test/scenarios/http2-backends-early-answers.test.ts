import http2, { type ServerHttp2Stream } from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import { type OnStream, startH2Backend } from '../support/h2-backend.ts';
import { connectH2 } from '../support/h2-client.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { get, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

/** Often enough for a fault that does not show every time. */
const TIMES = 5;

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants;

/** Ways to answer 413 before the request has ended; the path of the request names one. */
const early: Readonly<Record<string, (stream: ServerHttp2Stream) => void>> = {
  '/chunks': (stream) => {
    stream.respond({ ':status': 413 });
    stream.end('early');
  },
  '/length': (stream) => {
    stream.respond({ ':status': 413, 'content-length': 5 });
    stream.end('early');
  },
  '/later': (stream) => {
    stream.respond({ ':status': 413 });
    stream.write('ear');
    setTimeout(() => stream.end('ly'), 20);
  },
  '/trailers': (stream) => {
    stream.respond({ ':status': 413 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-a': 'b' }));
    stream.end('early');
  },
  '/no-error': (stream) => {
    stream.respond({ ':status': 413 });
    stream.end('early');
    stream.close(NGHTTP2_NO_ERROR);
  },
};

/** A backend that answers as the path says, and `onward` for any other path; with the streams that it has open. */
async function stage(onward: OnStream = (stream) => stream.respond({ ':status': 204 }, { endStream: true })) {
  let open = 0;
  const codes: (number | undefined)[] = [];
  const backend = await startH2Backend((stream, headers) => {
    open++;
    stream.on('close', () => {
      open--;
      codes.push(stream.rstCode);
    });
    stream.resume();
    const answer = early[String(headers[':path'])];
    if (answer === undefined) onward(stream, headers);
    else answer(stream);
  });
  const pool = { connect: { http2: true }, eject: { failures: 0 } };
  const lb = await runFairlead({ ...webConfig([backend.address], {}, pool), admin: { bind: '127.0.0.1:0' } });
  const nothingLeft = async (): Promise<void> => {
    await eventually(() => open === 0, 'the end of all streams');
    await eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of all leases');
    expect(backend.sessions).toHaveLength(1);
  };
  return { backend, lb, codes, nothingLeft };
}

/** Begins to send a body that it does not end, and returns the answer. */
async function askHttp1(lb: RunningFairlead, path: string, framing: string, body: string) {
  const client = await connectTo(lb.address());
  const { status, body: text } = await client.send(requestText(`POST ${path} HTTP/1.1`, [framing], body)).answer();
  client.close();
  return [status, text];
}

describe('an answer of a backend over HTTP/2 that comes before its request has ended', () => {
  it.each([
    ['a length', 'Content-Length: 300', 'abc'],
    ['a length, none of it sent', 'Content-Length: 300', ''],
    ['chunks', 'Transfer-Encoding: chunked', '3\r\nabc\r\n'],
  ])('reaches a client of HTTP/1.1 whose body has %s', async (_name, framing, body) => {
    const { lb, backend, nothingLeft } = await stage();
    for (const path of Object.keys(early)) {
      for (let i = 0; i < TIMES; i++) expect(await askHttp1(lb, path, framing, body)).toEqual([413, 'early']);
    }
    expect(backend.paths).toHaveLength(Object.keys(early).length * TIMES);
    await nothingLeft();
  });

  it('reaches a client of HTTP/2', async () => {
    const { lb, codes, nothingLeft } = await stage();
    const session = await connectH2(lb.address());
    for (const path of Object.keys(early)) {
      for (let i = 0; i < TIMES; i++) {
        const stream = session.request({ ':path': path, ':method': 'POST' }, { endStream: false });
        let status = 0;
        let body = '';
        stream.on('response', (headers) => {
          status = headers[':status'] as number;
        });
        stream.on('error', () => {}).on('data', (text) => (body += text));
        stream.write('abc');
        await eventually(() => stream.readableEnded, 'the end of the answer');
        expect([status, body]).toEqual([413, 'early']);
        stream.close();
      }
    }
    await nothingLeft();
    expect(codes.every((code) => code === NGHTTP2_CANCEL || code === NGHTTP2_NO_ERROR)).toBe(true);
  });

  it('reaches a client that has sent all when the end of its body comes with the answer', async () => {
    const { lb, nothingLeft } = await stage();
    for (let i = 0; i < TIMES; i++) {
      const client = await connectTo(lb.address());
      client.send(requestText('POST /later HTTP/1.1', ['Content-Length: 6'], 'abc'));
      await client.until(() => client.text.includes('ear'), 'a part of the answer');
      expect((await client.send('def').answer()).body).toBe('early');
      client.close();
    }
    await nothingLeft();
  });
});

describe('a stream to a backend that is broken off amid its request,', () => {
  it('since its answer is malformed is told of with 502', async () => {
    // More digits than a length is allowed to have.
    const { lb, nothingLeft } = await stage((stream) => {
      stream.respond({ ':status': 200, 'content-length': '1000000000000000' });
      stream.write('x');
    });
    for (let i = 0; i < TIMES; i++) {
      expect((await askHttp1(lb, '/other', 'Content-Length: 300', 'abc'))[0]).toBe(502);
    }
    await nothingLeft();
  });

  it('since its client has left is taken back', async () => {
    const { lb, backend, codes, nothingLeft } = await stage((stream, headers) => {
      if (headers[':method'] === 'GET') stream.respond({ ':status': 204 }, { endStream: true });
    });
    for (let i = 1; i <= TIMES; i++) {
      const client = await connectTo(lb.address());
      client.send(requestText('POST /other HTTP/1.1', ['Content-Length: 300'], 'abc'));
      await eventually(() => backend.paths.length === i, 'the request');
      client.reset();
    }
    await eventually(() => codes.length === TIMES, 'the resets');
    expect(new Set(codes)).toEqual(new Set([NGHTTP2_CANCEL]));
    expect((await (await connectTo(lb.address())).send(get()).answer()).status).toBe(204);
    await nothingLeft();
  });
});
