import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Recorder, type WireStage } from '../support/wire-stage.ts';

/** What must hold of wires over Unix sockets. */
export function unixSockets(stage: WireStage): void {
  it('ends each way of a Unix socket by itself too', async () => {
    const { wire, sink, peer } = await stage.dialled({ path: join(folderOf(stage), 's') });
    const ended = once(peer.resume(), 'end');
    wire.end();
    await ended;
    peer.end('still here');
    await sink.has('close');
    expect([sink.text, sink.error]).toEqual(['still here', undefined]);
  });

  it('works over Unix sockets, which have no addresses and know no reset', async () => {
    const folder = folderOf(stage);
    const { wire, sink, peer } = await stage.dialled({ path: join(folder, 's') });
    peer.write('unix');
    await sink.has('bytes');
    expect(wire.remoteAddress).toBeUndefined();
    const ended = once(peer, 'end');
    wire.reset();
    await ended;
    const missing = new Recorder();
    stage.maker.dial({ path: join(folder, 'none') }, '', missing);
    await missing.has('close');
    expect(missing.error?.code).toBe('ENOENT');
  });
}

/** A folder that is gone after the test. */
function folderOf(stage: WireStage): string {
  const folder = mkdtempSync(join(tmpdir(), 'wire-'));
  stage.cleanups.push(() => rmSync(folder, { recursive: true }));
  return folder;
}
