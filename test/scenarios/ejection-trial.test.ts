import { afterAll, expect, it } from 'vitest';
import { runLoad } from '../support/load.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterAll(closeOpened);

it('an ejected backend gets single requests until one of them is answered well', async () => {
  let works = false;
  const odd = await startBackend(() => (works ? answerText('ok') : answerText('no', '503 Busy')));
  const well = await startBackend();
  const pool = { eject: { failures: 3, for: '200ms' } };
  const lb = await runFairlead({
    ...webConfig([odd.address, well.address], {}, pool),
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
  });
  const up = (): Promise<number> => metric(lb, 'backend_up', { backend: odd.address });
  const load = (requests: number) => runLoad(lb.address(), { connections: 8, requests });
  await load(40);
  await eventually(async () => (await up()) === 0, 'the ejection');
  for (let trial = 0; trial < 2; trial++) {
    const before = odd.requests.length;
    await eventually(async () => {
      await load(20);
      return odd.requests.length > before;
    }, 'a trial');
    expect(odd.requests.length).toBe(before + 1);
    expect(await up()).toBe(0);
  }
  works = true;
  await eventually(async () => {
    expect((await load(20)).statuses).toEqual(new Map([[200, 20]]));
    return (await up()) === 1;
  }, 'the end of the ejection');
  const before = odd.requests.length;
  await load(40);
  expect(odd.requests.length).toBe(before + 20);
});

it('an ejected backend of L4 gets single connections until one of them hears from it', async () => {
  let works = false;
  const odd = await startPeer((socket) => {
    socket.once('data', () => (works ? socket.end('ok') : socket.resetAndDestroy()));
  });
  const well = await startPeer((socket) => socket.once('data', () => socket.end('ok')));
  const lb = await runFairlead({
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
    listeners: { l4: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'web' } },
    pools: {
      web: { backends: [odd.address, well.address], health: { type: 'off' }, eject: { failures: 3, for: '500ms' } },
    },
  });
  const up = (): Promise<number> => metric(lb, 'backend_up', { backend: odd.address });
  const connect = async (): Promise<string> => {
    const client = await connectTo(lb.address('l4'));
    const { text } = await client.send('hello').ended();
    client.close();
    return text;
  };
  await eventually(async () => {
    await connect();
    return (await up()) === 0;
  }, 'the ejection');
  const before = odd.taken;
  await eventually(async () => {
    await connect();
    return odd.taken > before;
  }, 'a trial');
  for (let i = 0; i < 4; i++) expect(await connect()).toBe('ok');
  expect([odd.taken, await up()]).toEqual([before + 1, 0]);
  works = true;
  await eventually(async () => {
    expect(await connect()).toBe('ok');
    return (await up()) === 1;
  }, 'the end of the ejection');
  const taken = odd.taken;
  for (let i = 0; i < 10; i++) await connect();
  expect(odd.taken).toBe(taken + 5);
});
