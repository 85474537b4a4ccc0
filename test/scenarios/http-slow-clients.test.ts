import { Buffer } from 'node:buffer';
import { afterAll, expect, it } from 'vitest';
import { SLOW_KINDS, SlowCrowd } from '../../bench/slow-clients/slow-client.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { get } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterAll(closeOpened);

const EACH = 20;
/** More than the sockets on the way hold. */
const LARGE_BYTES = 48 * 1024 * 1024;

it('slow clients of every kind are cut by their timers, and nobody else notices', async () => {
  const large = Buffer.alloc(LARGE_BYTES);
  const backend = await startPeer((socket) => {
    socket.on('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').startsWith('GET /large')) {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE_BYTES}\r\n\r\n`);
        socket.write(large);
      } else if (chunk.toString('latin1').startsWith('GET /small')) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }
    });
  });
  const timeouts = { header: '1500ms', body: '1s', idle: '1500ms' };
  const lb = await runFairlead({ ...webConfig([backend.address], { timeouts }), admin: { bind: '127.0.0.1:0' } });
  const port = Number(lb.address().split(':').at(-1));
  // A byte of a head comes in time for any timer that each byte would start anew; one of a body comes too late.
  const shared = { port, blindMs: 5000, path: '/large', bytes: LARGE_BYTES };
  const crowds = [
    remember(new SlowCrowd({ ...shared, everyMs: 100 })),
    remember(new SlowCrowd({ ...shared, everyMs: 5000 })),
  ];
  await crowds[0]!.gather({ head: EACH, body: 0, reader: EACH }, 100);
  await crowds[1]!.gather({ head: 0, body: EACH, reader: 0 }, 100);
  await eventually(async () => (await metric(lb, 'connections_active')) > 2 * EACH, 'a crowd');

  const client = await connectTo(lb.address());
  for (let i = 0; i < 20; i++) expect((await client.send(get('/small')).answer()).body).toBe('ok');
  client.close();

  for (const crowd of crowds) crowd.end();
  await eventually(
    () => crowds.every((crowd) => SLOW_KINDS.every((kind) => crowd.count().open[kind] === 0)),
    'the end',
  );
  const [slow, late] = crowds.map((crowd) => crowd.count());
  expect(slow!.served + late!.served).toBe(0);
  for (const count of [slow!.cut.head, slow!.cut.reader, late!.cut.body]) expect(count).toBeGreaterThanOrEqual(EACH);
  await eventually(async () => (await metric(lb, 'connections_active')) === 0, 'the end of all connections');
  expect(await metric(lb, 'backend_active')).toBe(0);
  expect(await metric(lb, 'backend_failures_total')).toBe(0);
  expect(await metric(lb, 'requests_total', { code: '408' })).toBeGreaterThanOrEqual(2 * EACH);
  expect(await metric(lb, 'requests_total', { code: '499' })).toBeGreaterThanOrEqual(EACH);
});
