import { afterEach, describe, expect, it } from 'vitest';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { startBackend } from '../support/recording-backend.ts';
import { get, post } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';

afterEach(closeOpened);

async function start(fault: object | false, headers = {}) {
  const backend = await startBackend();
  const routes = [{ name: 'app', pool: 'web', fault, headers }] as never;
  const lb = await runFairlead({
    ...webConfig([backend.address], { routes }),
    log: { level: 'silent', access: true },
  });
  return { backend, lb };
}

async function logged(lb: RunningFairlead, count: number): Promise<Record<string, unknown>[]> {
  await eventually(() => lb.accessLines.length >= count, `${count} lines`);
  return lb.accessLines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a fault of a route', () => {
  it('answers with its status, says that it is meant so, and asks no backend', async () => {
    const { backend, lb } = await start({ status: 503 });
    const client = await connectTo(lb.address());
    const [first, second] = await client.send(get('/a') + post('/b', 'body')).answers(2);
    for (const answer of [first!, second!]) {
      expect(answer.status).toBe(503);
      expect(answer.body).toBe('the fault of route app answers 503 on purpose\n');
    }
    expect(backend.requests).toEqual([]);
    expect((await logged(lb, 2)).map(({ status, ended, backend: id }) => [status, ended, id])).toEqual([
      [503, 'fault', ''],
      [503, 'fault', ''],
    ]);
  });

  it('answers with what the route puts into its answers', async () => {
    const { lb } = await start({ status: 503 }, { response: { set: { 'X-Route': 'app' }, remove: ['Content-Type'] } });
    const client = await connectTo(lb.address());
    const answer = await client.send(get('/')).answer();
    expect([answer.status, fieldOf(answer, 'x-route'), fieldOf(answer, 'content-type')]).toEqual([503, 'app', '']);
  });

  it('holds a request up, and then it goes its way, with the rest of its body', async () => {
    const { backend, lb } = await start({ delay: '150ms' });
    const client = await connectTo(lb.address());
    const request = post('/a', 'x'.repeat(100_000));
    client.send(request.slice(0, 1000));
    client.send(request.slice(1000));
    const answer = await client.answer();
    expect(answer.status).toBe(200);
    expect(backend.requests[0]!.body).toHaveLength(100_000);
    const [record] = await logged(lb, 1);
    expect(record).toMatchObject({ ended: 'served', attempts: 1 });
    expect(record!['durationMs']).toBeGreaterThanOrEqual(150);
    expect(record!['firstByteMs']).toBeLessThan(Number(record!['durationMs']) - 100);
  });

  it('can be slow first and fail then', async () => {
    const { backend, lb } = await start({ delay: '100ms', status: 500 });
    const client = await connectTo(lb.address());
    expect((await client.send(get('/')).answer()).status).toBe(500);
    const [record] = await logged(lb, 1);
    expect(record!['durationMs']).toBeGreaterThanOrEqual(100);
    expect(backend.requests).toEqual([]);
  });

  it('holds nothing for a client that leaves meanwhile', async () => {
    const { backend, lb } = await start({ delay: '10s' });
    const client = await connectTo(lb.address());
    client.send(get('/'));
    await client.send('').until(() => true, 'nothing');
    setTimeout(() => client.reset(), 50);
    const [record] = await logged(lb, 1);
    expect(record).toMatchObject({ status: 499, ended: 'client-aborted', attempts: 0 });
    expect(backend.requests).toEqual([]);
  });

  it('hits its share', async () => {
    const { backend, lb } = await start({ status: 503, percent: 25 });
    const client = await connectTo(lb.address());
    const answers = await client.send(get('/').repeat(400)).answers(400);
    const hit = answers.filter(({ status }) => status === 503).length;
    expect(hit).toBeGreaterThan(50);
    expect(hit).toBeLessThan(160);
    expect(backend.requests).toHaveLength(400 - hit);
  });
});
