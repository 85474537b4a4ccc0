import { expect, it } from 'vitest';
import { aWhile, pattern, type WireStage } from '../support/wire-stage.ts';

const bytes = pattern(32 * 1024);

/** A wire whose other side has sent something that is not read yet. */
async function answered(stage: WireStage) {
  const staged = await stage.dialled();
  const { wire, sink, peer } = staged;
  sink.goOn = false;
  peer.write('one ');
  await sink.has('bytes');
  peer.write('answer');
  await aWhile();
  /** A write fails, since the other side has reset the connection. */
  const fail = (): void => {
    stage.ends.reset(peer);
    wire.send(bytes, 0, bytes.length);
  };
  return { ...staged, fail };
}

/** What must hold of a wire whose other side takes no more of what is written; see `wireContract`. */
export function losing(stage: WireStage): void {
  it('gives what had come when a write fails, and then tells of the reset', async () => {
    const { wire, sink, fail } = await answered(stage);
    sink.goOn = true;
    wire.start();
    fail();
    await sink.has('close');
    expect([sink.log, sink.text]).toEqual([['connect', 'bytes', 'bytes', 'close'], 'one answer']);
    expect(sink.error?.code).toBe('ECONNRESET');
    expect(wire.destroyed).toBe(true);
  });

  it('gives it as slowly as its sink wants it, and takes nothing in the meantime', async () => {
    const { wire, sink, fail } = await answered(stage);
    wire.start();
    fail();
    await sink.has('bytes', 2);
    await aWhile();
    expect([sink.log, wire.destroyed]).toEqual([['connect', 'bytes', 'bytes'], false]);
    expect(wire.writeText('more')).toBe(false);
    expect([wire.backedUp, wire.unsent]).toEqual([true, false]);
    wire.end();
    wire.start();
    await sink.has('close');
    expect([sink.log, sink.error?.code]).toEqual([['connect', 'bytes', 'bytes', 'close'], 'ECONNRESET']);
  });

  it('can be destroyed while it does', async () => {
    const { wire, sink, fail } = await answered(stage);
    sink.onEvent = (event) => {
      if (event === 'bytes') wire.destroy();
    };
    wire.start();
    fail();
    await sink.has('close');
    await aWhile();
    expect(sink.log).toEqual(['connect', 'bytes', 'bytes', 'close']);
  });

  it('closes at once when a write fails and nobody reads', async () => {
    const { sink, fail } = await answered(stage);
    fail();
    await sink.has('close');
    expect([sink.text, sink.error?.code]).toEqual(['one ', 'ECONNRESET']);
  });

  if (!stage.ends.handshake) losingInTheClear(stage);
}

/** Ends that TLS tells otherwise, or does not tell. */
function losingInTheClear(stage: WireStage): void {
  it('tells of an end that was sent before the connection was gone', async () => {
    const { wire, sink, peer } = await answered(stage);
    sink.goOn = true;
    wire.start();
    peer.destroy();
    // The first is answered with a reset, which the second hears of.
    for (let i = 0; i < 2; i++) wire.send(bytes, 0, bytes.length);
    await sink.has('close');
    expect([sink.log, sink.text]).toEqual([['connect', 'bytes', 'bytes', 'end', 'close'], 'one answer']);
    expect(sink.error?.code).toBe('EPIPE');
  });

  it('closes at once when it was accepted: a client that has left wants nothing any more', async () => {
    const { wire, sink, peer } = await stage.accepted();
    wire.start();
    await aWhile();
    peer.write('question');
    stage.ends.reset(peer);
    wire.send(bytes, 0, bytes.length);
    await sink.has('close');
    expect([sink.log, sink.error?.code]).toEqual([['close'], 'ECONNRESET']);
  });
}
