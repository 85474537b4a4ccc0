import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientSessionOptions, type OutgoingHttpHeaders } from 'node:http2';
import { remember } from './opened.ts';

/** An answer as a client of HTTP/2 sees it. */
export interface H2Answer {
  readonly status: number;
  /** Names and values in turn, without `:status`. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
  /** Statuses of the interim answers. */
  readonly interim: readonly number[];
  /** The answer ended with its HEADERS frame. */
  readonly bodiless: boolean;
  /** The code of the RST_STREAM that ended it; 0 for none. */
  readonly rstCode: number;
  /** The stream was broken off. */
  readonly aborted: boolean;
}

/** What is sent beside the head. */
export interface H2Sent {
  readonly body?: string | Buffer;
  readonly trailers?: OutgoingHttpHeaders;
}

/** A session with a listener, in the clear unless `options` say otherwise; it is closed after the test. */
export async function connectH2(address: string, options: ClientSessionOptions & object = {}, scheme = 'http') {
  const session = http2.connect(`${scheme}://${address}`, { strictSingleValueFields: false, ...options } as object);
  session.on('error', () => {});
  remember({ close: async () => session.destroy() });
  await once(session, 'remoteSettings');
  return session;
}

/** Sends one request and gathers what comes; resolves when the stream is over, however it ends. */
export function askH2(session: ClientHttp2Session, head: OutgoingHttpHeaders, sent: H2Sent = {}): Promise<H2Answer> {
  const endStream = sent.body === undefined && sent.trailers === undefined;
  const stream = session.request(head, { endStream, waitForTrailers: sent.trailers !== undefined });
  stream.on('wantTrailers', () => stream.sendTrailers(sent.trailers!));
  if (!endStream) stream.end(sent.body);
  const answer = { status: 0, fields: [] as string[], body: '', trailers: {}, interim: [] as number[] };
  let bodiless = false;
  stream.setEncoding('latin1');
  stream.on('headers', (headers) => answer.interim.push(headers[':status'] as number));
  stream.on('response', (headers, flags, raw?: string[]) => {
    answer.status = headers[':status'] as number;
    answer.fields = (raw ?? []).slice(2);
    bodiless = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
  });
  stream.on('trailers', (headers) => {
    answer.trailers = { ...headers };
  });
  stream.on('data', (text: string) => {
    answer.body += text;
  });
  stream.on('error', () => {});
  return new Promise((resolve) =>
    stream.on('close', () => resolve({ ...answer, bodiless, rstCode: stream.rstCode ?? 0, aborted: stream.aborted })),
  );
}

/** The value of the only field of that name; '' when there is none; all, joined by ` | `, when there are more. */
export function h2Field({ fields }: Pick<H2Answer, 'fields'>, name: string): string {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1] === name).join(' | ');
}
