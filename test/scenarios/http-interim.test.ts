import { afterAll, describe, expect, it } from 'vitest';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get, post, requestText } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';

afterAll(closeOpened);

const continueText = 'HTTP/1.1 100 Continue\r\n\r\n';
const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Case: Kept\r\n\r\n';
const expecting = requestText('POST /up HTTP/1.1', ['Expect: 100-continue', 'Content-Length: 5']);

describe.concurrent('Expect: 100-continue', () => {
  it('goes to the backend, whose 100 comes back before the body is sent', async () => {
    const backend = await startBackend((request) => answerText(`got ${request.body}`));
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      client.send(expecting);
      await eventually(() => backend.connections[0]?.text.endsWith('\r\n\r\n') === true, 'the head at the backend');
      expect(client.text).toBe('');
      backend.connections[0]!.socket.write(continueText);
      expect((await client.answer()).startLine).toBe('HTTP/1.1 100 Continue');
      expect((await client.send('hello').answer()).body).toBe('got hello');
    }
    expect(backend.requests.map((request) => fieldOf(request, 'expect'))).toEqual(['100-continue', '100-continue']);
  });

  it('is answered by a final answer of the backend as well, behind which the connection ends', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(expecting);
    await eventually(() => backend.text.endsWith('\r\n\r\n'), 'the head at the backend');
    backend.connections[0]!.socket.write(answerText('no', '417 Expectation Failed'));
    const { ending } = await client.ended();
    const answer = await client.answer();
    expect([answer.status, fieldOf(answer, 'connection'), ending]).toEqual([417, 'close', 'fin']);
    await eventually(() => backend.connections[0]!.ending !== undefined, 'the end of the backend connection');
  });

  it('of HTTP/1.0 is not passed on, since HTTP/1.0 has none', async () => {
    const backend = await startBackend((request) => continueText + answerText(request.body));
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(requestText('POST / HTTP/1.0', ['Expect: 100-continue', 'Content-Length: 5'], 'hello'));
    expect((await client.answer()).body).toBe('hello');
    expect(fieldOf(backend.requests[0]!, 'expect')).toBe('');
  });
});

describe.concurrent('interim answers', () => {
  it('are passed on as they are, any number and in any cut, before the final one', async () => {
    const all = hints + continueText + hints + answerText('ok');
    for (const at of [0, 1, 30, hints.length, hints.length + 3, all.length - 5]) {
      const backend = await startBackend((_, { socket }) => {
        socket.write(all.slice(0, at));
        setImmediate(() => socket.write(all.slice(at)));
        return undefined;
      });
      const lb = await runFairlead(webConfig([backend.address]));
      const client = await connectTo(lb.address());
      const answers = await client.send(get()).answers(4);
      expect([client.text, answers.length]).toEqual([all, 4]);
      await lb.close();
    }
  });

  it('do not come to an HTTP/1.0 client', async () => {
    const backend = await startBackend(hints + continueText + answerText('ok'));
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    const { text } = await client.send(requestText('GET / HTTP/1.0')).ended();
    expect(text).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
  });

  it.each([
    [64, 200],
    [65, 502],
  ])('are %i: the answer is %i', async (count, status) => {
    const backend = await startBackend(continueText.repeat(count) + answerText('ok'));
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    const answers = await client.send(get()).answers(65);
    expect(answers.map((answer) => answer.status)).toEqual([...Array(64).fill(100), status]);
  });

  it('leave the final answer where it is: a reset behind one is no reason to try again', async () => {
    const backend = await startBackend((_, { socket }) => {
      socket.write(hints, () => setTimeout(() => socket.resetAndDestroy(), 20));
      return undefined;
    });
    const lb = await runFairlead(webConfig([backend.address, backend.address.replace('127.0.0.1', 'localhost')]));
    const client = await connectTo(lb.address());
    const answers = await client.send(get()).answers(2);
    expect([answers.map(({ status }) => status), backend.requests.length]).toEqual([[103, 502], 1]);
  });
});

describe.concurrent('answers without a body', () => {
  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "x"\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nX-Nothing: said\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: "x"\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ])('end with their head, and both connections live on: %s %j', async (method, answer) => {
    const backend = await startBackend((request) =>
      request.startLine.includes('/next') ? answerText('next') : answer,
    );
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    await client.send(requestText(`${method} / HTTP/1.1`)).until(() => client.text === answer, 'the head');
    client.text = '';
    expect((await client.send(get('/next')).answer()).body).toBe('next');
    expect(backend.connections).toHaveLength(1);
  });

  it('to HEAD with a body all the same lose it, and the backend connection is not used again', async () => {
    const backend = await startBackend(answerText('wrong'));
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(requestText('HEAD / HTTP/1.1')).answer({ bodiless: true });
      expect([fieldOf(answer, 'content-length'), client.text]).toEqual(['5', '']);
    }
    expect(backend.connections).toHaveLength(2);
  });

  it('come to a POST too', async () => {
    const backend = await startBackend('HTTP/1.1 204 No Content\r\n\r\n');
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    expect((await client.send(post('/', 'x')).answer()).status).toBe(204);
  });
});
