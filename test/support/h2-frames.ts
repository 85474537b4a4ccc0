import { once } from 'node:events';
import net from 'node:net';
import { remember } from './opened.ts';

/** Types of frames (RFC 9113 §6). */
export const Frame = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames. */
export const Flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** One frame as it came. */
export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** What a client sends first. */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** A frame's bytes. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The frames that bytes are, and what is left behind them. */
export function framesIn(bytes: Buffer<ArrayBufferLike>): { frames: ReceivedFrame[]; rest: Buffer<ArrayBufferLike> } {
  const frames: ReceivedFrame[] = [];
  while (bytes.length >= 9) {
    const end = 9 + bytes.readUIntBE(0, 3);
    if (bytes.length < end) break;
    const [type, flags] = [bytes[3]!, bytes[4]!];
    frames.push({ type, flags, stream: bytes.readUInt32BE(5), payload: bytes.subarray(9, end) });
    bytes = bytes.subarray(end);
  }
  return { frames, rest: bytes };
}

/** Fields as a header block of literals, without Huffman coding or the dynamic table (RFC 7541 §6.2.2). */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1');
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    const rest = [127];
    let left = bytes.length - 127;
    for (; left >= 128; left >>= 7) rest.push((left & 127) | 128);
    return Buffer.concat([Buffer.from([...rest, left]), bytes]);
  };
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** The pseudo-header fields of a request for `path`. */
export function pseudo(path = '/', method = 'GET'): [string, string][] {
  return [
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'a.test'],
  ];
}

/** A client of HTTP/2 that sends the frames it is told to, and keeps those that come. */
export class FrameClient {
  readonly socket: net.Socket;
  readonly frames: ReceivedFrame[] = [];
  closed = false;
  #rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  #take(bytes: Buffer): void {
    const { frames, rest } = framesIn(Buffer.concat([this.#rest, bytes]));
    this.frames.push(...frames);
    this.#rest = rest;
  }

  send(...frames: readonly Buffer[]): this {
    if (!this.closed) this.socket.write(Buffer.concat(frames));
    return this;
  }

  /** Sends a request's head. */
  request(stream: number, fields: readonly (readonly [string, string])[], endStream = true): this {
    return this.send(frame(Frame.headers, Flag.endHeaders | (endStream ? Flag.endStream : 0), stream, block(fields)));
  }

  /** The frames of one type, on one stream if it is said. */
  of(type: number, stream?: number): ReceivedFrame[] {
    return this.frames.filter((one) => one.type === type && (stream === undefined || one.stream === stream));
  }

  /** The code of the last GOAWAY; undefined when none came. */
  get goawayCode(): number | undefined {
    return this.of(Frame.goaway).at(-1)?.payload.readUInt32BE(4);
  }

  /** The code of the RST_STREAM of a stream; undefined when none came. */
  resetCode(stream: number): number | undefined {
    return this.of(Frame.rstStream, stream)[0]?.payload.readUInt32BE(0);
  }
}

/** Connects and sends the preface with empty settings; closed after the test. */
export async function connectFrames(address: string): Promise<FrameClient> {
  const [host, port] = address.split(':') as [string, string];
  const socket = net.connect({ host, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  remember({ close: () => socket.destroy() });
  const client = new FrameClient(socket);
  return client.send(Buffer.from(PREFACE), frame(Frame.settings, 0, 0));
}
