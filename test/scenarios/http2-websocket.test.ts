import { createHash } from 'node:crypto';
import http2 from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import { askH2, connectH2, h2Field } from '../support/h2-client.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

const handshake = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':path': '/chat',
  ':authority': 'a.test',
  'sec-websocket-version': '13',
  'sec-websocket-protocol': 'chat',
};

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

function switching(key: string): string {
  const lines = ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Accept: ${acceptOf(key)}`];
  return ['HTTP/1.1 101 Switching Protocols', ...lines, 'Sec-WebSocket-Protocol: chat', '', 'early'].join('\r\n');
}

describe('a WebSocket over HTTP/2', () => {
  it('becomes an upgrade towards the backend, then bytes both ways until both have ended', async () => {
    const backend = await startBackend((request, { socket }) => {
      socket.on('data', (text) => socket.write(`<${text}>`));
      return switching(fieldOf(request, 'sec-websocket-key'));
    });
    const lb = await runFairlead(webConfig([backend.address]));
    const session = await connectH2(lb.address());
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const stream = session.request(handshake, { endStream: false });
    let text = '';
    let status = 0;
    stream.setEncoding('latin1');
    stream.on('response', (headers) => {
      status = headers[':status'] as number;
      expect(headers['sec-websocket-protocol']).toBe('chat');
      expect(headers['sec-websocket-accept']).toBeUndefined();
      stream.write('hello');
    });
    stream.on('data', (more: string) => {
      text += more;
    });
    await eventually(async () => text === 'early<hello>', 'an echo');
    expect(status).toBe(200);
    const [request] = backend.requests;
    expect(request!.startLine).toBe('GET /chat HTTP/1.1');
    expect(fieldOf(request!, 'upgrade')).toBe('websocket');
    stream.end();
    await eventually(async () => stream.closed, 'the end');
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_NO_ERROR);
  });

  it('gets the refusal of a backend as it is', async () => {
    const backend = await startBackend(answerText('no', '403 Forbidden'));
    const lb = await runFairlead(webConfig([backend.address]));
    const answer = await askH2(await connectH2(lb.address()), handshake, {
      body: 'GET /evil HTTP/1.1\r\nHost: a\r\n\r\n',
    });
    expect([answer.status, answer.body]).toEqual([403, 'no']);
    expect(backend.requests).toHaveLength(1);
    expect(backend.text).not.toContain('evil');
  });

  it.each([
    ['200 of known length', answerText('<html>')],
    ['200 in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<html>\r\n0\r\n\r\n'],
    ['200 that goes on', 'HTTP/1.1 200 OK\r\n\r\n<html>'],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('is not opened by a %s, which says so in HTTP/2 but not in HTTP/1.1', async (_name, text) => {
    const backend = await startBackend(text);
    const lb = await runFairlead({ ...webConfig([backend.address]), admin: { bind: '127.0.0.1:0' } });
    const answer = await askH2(await connectH2(lb.address()), handshake, { body: 'frames' });
    expect([answer.status, answer.body]).toEqual([502, 'the answer to the WebSocket was not 101\n']);
    expect(h2Field(answer, 'fairlead-error')).toBe('backend-failed');
    expect(backend.text).not.toContain('frames');
    await eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of the lease');
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });

  it('is not opened by a route that answers by itself', async () => {
    const routes = [{ respond: { status: 200, body: 'page' } }];
    const lb = await runFairlead(webConfig(['127.0.0.1:1'], { routes }));
    const session = await connectH2(lb.address());
    expect((await askH2(session, handshake)).status).toBe(502);
    expect((await askH2(session, { ':path': '/' })).body).toBe('page');
  });

  it.each(['302 Found', '426 Upgrade Required', '503 Service Unavailable'])('gets a %s as it is', async (status) => {
    const backend = await startBackend(answerText('no', status));
    const lb = await runFairlead(webConfig([backend.address]));
    const answer = await askH2(await connectH2(lb.address()), handshake);
    expect([answer.status, answer.body]).toEqual([Number(status.slice(0, 3)), 'no']);
  });

  it('is broken off when the backend proves nothing', async () => {
    const backend = await startBackend(switching('another key'));
    const lb = await runFairlead(webConfig([backend.address]));
    const answer = await askH2(await connectH2(lb.address()), handshake, { body: 'x' });
    expect([answer.status, answer.rstCode]).toEqual([0, http2.constants.NGHTTP2_INTERNAL_ERROR]);
  });
});
