import { ClientSession, type SessionObserver } from '../../src/http2/client-session.ts';
import type { ClientStream } from '../../src/http2/client-stream.ts';
import { H2ClientWire } from '../../src/http2/client-wire.ts';
import type { FieldList } from '../../src/http2/field.ts';
import { translateRequest } from '../../src/http2/request-in.ts';
import { silentSink, type Wire, type WireSink } from '../../src/support/wire.ts';
import { block, Flag, Frame, frame, framesIn, PREFACE, pseudo, type ReceivedFrame } from './h2-frames.ts';

/** A wire whose other end is the test: what is written is kept, and it is backed up when the test says so. */
export class TestWire implements Wire {
  sink: WireSink = silentSink;
  destroyed = false;
  readableEnded = false;
  queued = 0;
  lost = false;
  ended = false;
  backedUp = false;
  /** It is being read. */
  reading = false;
  readonly sent: Buffer[] = [];

  get unsent(): boolean {
    return this.backedUp;
  }
  writeText(text: string): boolean {
    this.sent.push(Buffer.from(text, 'latin1'));
    return !this.backedUp;
  }
  send(bytes: Buffer, start: number, end: number): boolean {
    this.sent.push(Buffer.from(bytes.subarray(start, end)));
    return !this.backedUp;
  }
  start(): void {
    this.reading = true;
  }
  end(): void {
    this.ended = true;
  }
  reset(): void {
    this.destroy();
  }
  destroy(): void {
    this.destroyed = true;
  }
}

/** What one stream has asked for, and the wire to answer on. */
export class Asked implements WireSink {
  readonly wire: H2ClientWire;
  text = '';
  /** The stream is over; with an error unless it ended in order. */
  closed: Error | 'in order' | undefined;
  drains = 0;
  /** What `onBytes` returns. */
  goOn = true;

  constructor(wire: H2ClientWire) {
    this.wire = wire;
    wire.sink = this;
    wire.start();
  }
  onBytes(bytes: Buffer, length: number): boolean {
    this.text += bytes.toString('latin1', 0, length);
    return this.goOn;
  }
  onEnd(): void {
    this.text += '<end>';
  }
  onDrain(): void {
    this.drains++;
  }
  onClose(error: Error | undefined): void {
    this.closed = error ?? 'in order';
  }
  onConnect(): void {}
}

/** A session over a wire of the test; its streams are `asked`, in their order. */
export class SessionStage implements SessionObserver {
  now = 1;
  readonly wire: TestWire;
  readonly session: ClientSession;
  readonly asked: Asked[] = [];
  /** Problems of requests that were malformed. */
  readonly malformed: string[] = [];
  readonly refused: string[] = [];
  gone = 0;
  /** Called for each request that is not malformed. */
  onAsked: (asked: Asked) => void = () => {};

  /** With a wire that is not the test's, `begin`, `take` and `frames` are not for use. */
  constructor(wire: Wire = new TestWire()) {
    this.wire = wire as TestWire;
    this.session = new ClientSession(wire, this);
  }

  /** Begins, and has the client say hello. */
  begin(...settings: [id: number, value: number][]): this {
    this.session.start(undefined);
    const payload = Buffer.alloc(settings.length * 6);
    let at = 0;
    for (const [id, value] of settings) at = payload.writeUInt32BE(value, payload.writeUInt16BE(id, at));
    return this.take(Buffer.from(PREFACE), frame(Frame.settings, 0, 0, payload));
  }

  /** Has bytes come in. */
  take(...pieces: Buffer[]): this {
    for (const bytes of pieces) if (!this.wire.destroyed) this.wire.sink.onBytes(bytes, bytes.length);
    return this;
  }

  /** The frames that have gone out since the last call. */
  frames(): ReceivedFrame[] {
    this.session.out.afterPoll();
    return framesIn(Buffer.concat(this.wire.sent.splice(0))).frames;
  }

  onRequest(stream: ClientStream, list: FieldList): void {
    const request = translateRequest(list, stream.remoteEnded);
    const wire = new H2ClientWire({ ...nowhere, beneath: this.wire, left: () => {} }, stream, request);
    if (request.problem !== '') {
      this.malformed.push(request.problem);
      stream.refuse(1);
      return;
    }
    const asked = new Asked(wire);
    this.asked.push(asked);
    this.onAsked(asked);
  }
  onRefused(reason: string): void {
    this.refused.push(reason);
  }
  onEnding(): void {}
  onGone(): void {
    this.gone++;
  }
}

const nowhere = {
  remoteAddress: undefined,
  localAddress: undefined,
  localPort: undefined,
  clientLines: '',
  notOpened: Buffer.alloc(0),
};

/** The flags of a head that is all of a request. */
export const END = Flag.endHeaders | Flag.endStream;

/** Four bytes with a number in them. */
export const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
/** A request without a body. */
export const get = (stream: number) => frame(Frame.headers, END, stream, block(pseudo()));
/** The head of a request with one. */
export const post = (stream: number, ...fields: [string, string][]) =>
  frame(Frame.headers, Flag.endHeaders, stream, block([...pseudo('/', 'POST'), ...fields]));
/** A frame of data. */
export const data = (stream: number, bytes: string | Buffer, flags = 0) =>
  frame(Frame.data, flags, stream, Buffer.from(bytes as string, 'latin1'));
/** A window that opens by so much. */
export const window = (stream: number, more: number) => frame(Frame.windowUpdate, 0, stream, number(more));
/** A reset. */
export const rst = (stream: number, code = 8) => frame(Frame.rstStream, 0, stream, number(code));
/** A frame with one setting. */
export const setting = (id: number, value: number) => {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return frame(Frame.settings, 0, 0, bytes);
};

/** A session that has said and heard hello; its first frames are gone. */
export function begun(...settings: [number, number][]): SessionStage {
  const stage = new SessionStage().begin(...settings);
  stage.frames();
  return stage;
}

/** Codes of GOAWAY and RST_STREAM, as the client is told. */
export function told(stage: SessionStage): string[] {
  return stage.frames().flatMap(({ type, stream, payload }) => {
    if (type === Frame.goaway) return [`goaway ${payload.readUInt32BE(4)}`];
    return type === Frame.rstStream ? [`reset ${stream} ${payload.readUInt32BE(0)}`] : [];
  });
}
