import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { Wire } from '../../src/support/wire.ts';
import { aWhile, LARGE, pattern, Recorder, until, type WireStage } from '../support/wire-stage.ts';
import { losing } from './wire-losing.ts';
import { unixSockets } from './wire-unix.ts';

/** Everything that must hold of a wire, whatever carries it: run on each way of making them. */
export function wireContract(name: string, stage: WireStage): void {
  describe(`a wire of ${name}`, () => {
    afterEach(() => stage.clear());
    readingAndEnding(stage);
    writing(stage);
    taking(stage);
    waiting(stage);
    closing(stage);
    losing(stage);
    dialling(stage);
    unixSockets(stage);
  });
}

function readingAndEnding(stage: WireStage): void {
  it('reads nothing before it is started when it was accepted', async () => {
    const { wire, sink, peer } = await stage.accepted();
    peer.write('hello');
    await aWhile();
    expect(sink.log).toEqual([]);
    wire.start();
    await sink.has('bytes');
    expect(sink.text).toBe('hello');
  });

  it('reads by itself when it was dialled', async () => {
    const { sink, peer } = await stage.dialled();
    peer.write('hello');
    await sink.has('bytes');
    expect(sink.log).toEqual(['connect', 'bytes']);
  });

  it('stops reading when its sink says so, until it is started again', async () => {
    const { wire, sink, peer } = await stage.dialled();
    sink.goOn = false;
    peer.write('one');
    await sink.has('bytes');
    peer.write('two');
    await aWhile();
    expect(sink.text).toBe('one');
    wire.start();
    await sink.has('bytes', 2);
    expect(sink.text).toBe('onetwo');
  });

  it('ends each way by itself, and closes when both have ended', async () => {
    const { wire, sink, peer } = await stage.dialled();
    let got = '';
    peer.on('data', (chunk) => {
      got += chunk;
    });
    const peerEnded = once(peer, 'end');
    wire.writeText('question');
    wire.end();
    await peerEnded;
    expect(got).toBe('question');
    peer.write('answer');
    await sink.has('bytes');
    expect(wire.destroyed).toBe(false);
    peer.end();
    await sink.has('close');
    expect(sink.log).toEqual(['connect', 'bytes', 'end', 'close']);
    expect(sink.text).toBe('answer');
    expect(sink.error).toBeUndefined();
    expect(wire.destroyed).toBe(true);
  });

  it('can still write when the other side has sent its FIN', async () => {
    const { wire, sink, peer } = await stage.dialled();
    peer.end('bye');
    await sink.has('end');
    expect(wire.readableEnded).toBe(true);
    const [chunk] = await Promise.all([once(peer, 'data'), wire.writeText('still here')]);
    expect(String(chunk[0])).toBe('still here');
    expect(sink.log).not.toContain('close');
    wire.end();
    await sink.has('close');
    expect(sink.error).toBeUndefined();
  });
}

function writing(stage: WireStage): void {
  it('says when it is backed up and when no longer, and loses no byte', async () => {
    const { wire, sink, peer } = await stage.dialled();
    const bytes = pattern(LARGE);
    let sent = 0;
    const more = (): void => {
      while (sent < bytes.length) {
        const from = sent;
        sent = Math.min(bytes.length, sent + 60_000 + (sent % 7_000));
        if (!wire.send(bytes, from, sent)) return;
      }
      if (!wire.unsent) wire.end();
    };
    sink.onEvent = (event) => {
      if (event === 'drain') more();
    };
    peer.pause();
    more();
    expect(wire.backedUp).toBe(true);
    expect(wire.unsent).toBe(true);
    const got: Buffer[] = [];
    peer.on('data', (chunk) => got.push(chunk as Buffer));
    peer.resume();
    await until(() => got.reduce((sum, { length }) => sum + length, 0) === LARGE);
    expect(Buffer.concat(got).equals(bytes)).toBe(true);
    expect(wire.backedUp).toBe(false);
    expect(sink.log).toContain('drain');
  });

  it('leaves the bytes of a caller alone once it has taken them', async () => {
    const { wire, peer } = await stage.dialled();
    peer.pause();
    const buffer = Buffer.alloc(32 * 1024);
    const fills = 400;
    for (let i = 0; i < fills; i++) wire.send(buffer.fill(i & 0xff), 0, buffer.length);
    buffer.fill(0xee);
    const got: Buffer[] = [];
    peer.on('data', (chunk) => got.push(chunk as Buffer));
    peer.resume();
    await until(() => got.reduce((sum, { length }) => sum + length, 0) === fills * buffer.length);
    const all = Buffer.concat(got);
    for (let i = 0; i < fills; i++) expect(all[i * buffer.length + 17]).toBe(i & 0xff);
  });

  it('sends its FIN behind what waits to be written', async () => {
    const { wire, peer } = await stage.dialled();
    peer.pause();
    const bytes = pattern(LARGE);
    wire.send(bytes, 0, bytes.length);
    wire.writeText('last');
    wire.end();
    let count = 0;
    peer.on('data', (chunk) => {
      count += chunk.length;
    });
    peer.resume();
    await once(peer, 'end');
    expect(count).toBe(LARGE + 4);
  });

  it('writes latin1 text byte for byte', async () => {
    const { wire, peer } = await stage.dialled();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const got = once(peer, 'data');
    wire.writeText(bytes.toString('latin1'));
    expect((await got)[0]).toEqual(bytes);
  });
}

function taking(stage: WireStage): void {
  it('keeps the order of short and long, text and bytes', async () => {
    const { wire, peer } = await stage.dialled();
    const short = Buffer.from('<short>');
    const long = pattern(40_000);
    const parts: Buffer[] = [];
    for (let i = 0; i < 20; i++) {
      wire.writeText(`<${i}>`);
      wire.send(short, 0, short.length);
      wire.send(long, i, long.length);
      wire.writeText(long.toString('latin1', 0, 9_000));
      wire.writeText(long.toString('latin1', 9_000, 18_000));
      parts.push(Buffer.from(`<${i}>`), short, long.subarray(i), long.subarray(0, 18_000));
    }
    wire.end();
    const got: Buffer[] = [];
    peer.on('data', (chunk) => got.push(chunk as Buffer));
    await once(peer, 'end');
    expect(Buffer.concat(got).equals(Buffer.concat(parts))).toBe(true);
  });

  it('has sent what was written before it was destroyed or reset', async () => {
    for (const close of [(wire: Wire) => wire.destroy(), (wire: Wire) => wire.reset()]) {
      const { wire, peer } = await stage.dialled();
      let got = '';
      peer.on('error', () => {});
      peer.on('data', (chunk) => {
        got += chunk;
      });
      wire.writeText('last words');
      close(wire);
      await until(() => peer.readableEnded || peer.destroyed);
      expect(got).toBe('last words');
    }
  });
}

function waiting(stage: WireStage): void {
  it('can be asked whether it is lost while it does not read, for a reset and not for a FIN', async () => {
    for (const how of ['end', 'reset'] as const) {
      const { wire, sink, peer } = await stage.dialled();
      sink.goOn = false;
      peer.write('hello');
      await sink.has('bytes');
      if (how === 'end') peer.end();
      else stage.ends.reset(peer);
      if (how === 'reset') await until(() => wire.lost === true);
      await aWhile();
      expect(wire.lost).toBe(how === 'reset');
      expect(sink.log).toEqual(['connect', 'bytes']);
    }
  });

  it('has nothing unsent while the kernel takes what is written', async () => {
    const { wire } = await stage.dialled();
    expect(wire.writeText('some')).toBe(true);
    expect(wire.unsent).toBe(false);
    expect(wire.queued).toBe(0);
    expect(wire.backedUp).toBe(false);
  });

  it('is backed up by text that nobody reads', async () => {
    const { wire, peer } = await stage.dialled();
    peer.pause();
    const text = 'x'.repeat(10_000);
    let writes = 0;
    while (wire.writeText(text)) expect(writes++).toBeLessThan(LARGE / 1_000);
    expect(wire.unsent).toBe(true);
    expect(wire.backedUp).toBe(true);
  });

  it('has less queued when the kernel has taken some, also before it has taken all', async () => {
    const { wire, peer } = await stage.dialled();
    const bytes = pattern(4 * LARGE);
    let got = 0;
    let most = 0;
    peer.on('data', ({ length }) => {
      got += length;
      if (got >= most) peer.pause();
    });
    wire.send(bytes, 0, bytes.length);
    await aWhile();
    const all = wire.queued;
    most = got + LARGE;
    peer.resume();
    await until(() => got >= most);
    await aWhile();
    expect(wire.queued).toBeGreaterThan(0);
    expect(wire.queued).toBeLessThan(all);
    most = bytes.length;
    peer.resume();
    await until(() => wire.queued === 0);
  });
}

function closing(stage: WireStage): void {
  it('tells of a reset as an error', async () => {
    const { sink, peer } = await stage.dialled();
    stage.ends.reset(peer);
    await sink.has('close');
    expect(sink.error?.code).toBe('ECONNRESET');
  });

  it('can be reset, also behind its own FIN', async () => {
    for (const before of [() => {}, (wire: Wire) => wire.end()]) {
      const { wire, sink, peer } = await stage.dialled();
      before(wire);
      await aWhile();
      const codes: (string | undefined)[] = [];
      peer.on('error', ({ code }: NodeJS.ErrnoException) => codes.push(code));
      wire.reset();
      await sink.has('close');
      await aWhile();
      // After a FIN nothing is read any more, so that only writing shows that the connection is gone.
      peer.write('?');
      await until(() => codes.length > 0);
      expect(codes[0]).toMatch(/ECONNRESET|EPIPE/);
      expect(sink.error).toBeUndefined();
    }
  });

  it('can be reset while its FIN waits behind bytes', async () => {
    const { wire, sink, peer } = await stage.dialled();
    peer.pause();
    const bytes = pattern(LARGE);
    wire.send(bytes, 0, bytes.length);
    wire.end();
    await aWhile();
    const codes: (string | undefined)[] = [];
    peer.on('error', ({ code }: NodeJS.ErrnoException) => codes.push(code));
    wire.reset();
    await sink.has('close');
    peer.resume();
    await until(() => peer.destroyed);
    expect(codes).toEqual(['ECONNRESET']);
  });

  it('says once that it is closed, after the call that closed it', async () => {
    const { wire, sink, peer } = await stage.dialled();
    wire.destroy();
    expect(wire.destroyed).toBe(true);
    expect(sink.log).toEqual(['connect']);
    wire.destroy();
    wire.reset();
    peer.destroy();
    await sink.has('close');
    await aWhile();
    expect(sink.log).toEqual(['connect', 'close']);
    expect(wire.writeText('too late')).toBe(false);
  });

  it('may be destroyed and replaced inside its own events', async () => {
    const { wire, sink, peer } = await stage.dialled();
    sink.onEvent = (event) => {
      if (event === 'bytes') wire.destroy();
    };
    peer.write('x');
    peer.write('y');
    await sink.has('close');
    await aWhile();
    expect(sink.log).toEqual(['connect', 'bytes', 'close']);
  });
}

function dialling(stage: WireStage): void {
  it('tells why a connection could not be made', async () => {
    const { target, peers } = await stage.listener();
    const { port } = target as { port: number };
    const sink = new Recorder();
    stage.maker.dial({ host: '127.0.0.1', port: 1 }, '', sink);
    await sink.has('close');
    expect(sink.error?.code).toBe('ECONNREFUSED');
    const local = new Recorder();
    stage.maker.dial({ host: '127.0.0.1', port }, '203.0.113.7', local);
    expect(local.log).toEqual([]);
    await local.has('close');
    expect(local.error?.code).toBe('EADDRNOTAVAIL');
    expect(peers).toEqual([]);
  });

  it('hears nothing of a connect that was given up', async () => {
    const { target } = await stage.listener();
    const sink = new Recorder();
    const wire = stage.maker.dial(target, '', sink);
    wire.destroy();
    await sink.has('close');
    await aWhile();
    expect(sink.log).toEqual(['close']);
  });

  it('comes from the address it was told', async () => {
    const { target, peers } = await stage.listener();
    const sink = new Recorder();
    const wire = stage.maker.dial(target, '127.0.0.9', sink);
    stage.cleanups.push(() => wire.destroy());
    await sink.has('connect');
    await until(() => peers.length === 1);
    expect(peers[0]!.remoteAddress).toBe('127.0.0.9');
    expect(wire.localAddress).toBe('127.0.0.9');
    expect(wire.remoteAddress).toBe('127.0.0.1');
    expect(wire.localPort).toBe(peers[0]!.remotePort);
  });

  it('works over IPv6', async () => {
    const { wire, sink, peer } = await stage.dialled({ host: '::1', port: 0 });
    peer.write('six');
    await sink.has('bytes');
    expect(wire.remoteAddress).toBe('::1');
  });
}
