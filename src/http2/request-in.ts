import { randomBytes } from 'node:crypto';
import { FieldKind, type FieldList, type HeaderField } from './field.ts';

/** How the body of a request follows its head as HTTP/1.1 has it. */
export type BodyShape = 'none' | 'length' | 'chunked' | 'tunnel';

/** A request of an HTTP/2 stream as HTTP/1.1 text, or why there is none. */
export interface TranslatedRequest {
  /** The head, with its empty line; '' when the request is malformed. */
  readonly text: string;
  /** That of the text; '' when the request is malformed. */
  readonly method: string;
  readonly body: BodyShape;
  /** What Content-Length says, also where the body becomes chunks; -1 for nothing. */
  readonly length: number;
  /** The key of a WebSocket's handshake (RFC 8441), for the answer to be checked; '' for any other request. */
  readonly webSocketKey: string;
  /** Why it is malformed (RFC 9113 §8.1.1), '' when it is not. */
  readonly problem: string;
}

const LENGTH = /^[0-9]{1,15}$/;

function malformed(problem: string): TranslatedRequest {
  return { text: '', method: '', body: 'none', length: -1, webSocketKey: '', problem };
}

/** What a request says beside its fields; '' for what it does not say. */
class Pseudo {
  readonly #values = ['', '', '', '', ''];

  /** Takes one in; false when it is there twice. */
  take(kind: FieldKind, value: string): boolean {
    if (this.#values[kind] !== '') return false;
    this.#values[kind] = value;
    return true;
  }

  get method(): string {
    return this.#values[FieldKind.method]!;
  }
  get scheme(): string {
    return this.#values[FieldKind.scheme]!;
  }
  get authority(): string {
    return this.#values[FieldKind.authority]!;
  }
  get path(): string {
    return this.#values[FieldKind.path]!;
  }
  get protocol(): string {
    return this.#values[FieldKind.protocol]!;
  }

  /** What of them does not go together (RFC 9113 §8.3.1, §8.5; RFC 8441 §4). */
  get problem(): string {
    const { method, path } = this;
    if (method === '') return 'no :method';
    if (this.protocol !== '' && method !== 'CONNECT') return ':protocol with a method other than CONNECT';
    if (method === 'CONNECT' && this.protocol === '') {
      if (this.scheme !== '' || path !== '') return ':scheme or :path with CONNECT';
      return this.authority === '' ? 'CONNECT without :authority' : '';
    }
    if (this.scheme === '') return 'no :scheme';
    if (path.startsWith('/')) return '';
    return path === '*' && method === 'OPTIONS' ? '' : 'a :path that is not one';
  }
}

/** The fields of a request as they were read. */
class Fields {
  lines = '';
  host: string | undefined;
  cookie: string | undefined;
  length = -1;
  announcesTrailers = false;

  /** Takes one in; returns what is wrong with it, '' for nothing. */
  take(field: HeaderField, webSocket: boolean): string {
    const { value } = field;
    switch (field.kind) {
      case FieldKind.malformed:
        return field.problem;
      case FieldKind.host:
        if (this.host !== undefined) return 'more than one host';
        this.host = value;
        return '';
      case FieldKind.cookie:
        // A client may cut its cookies up to have them compressed (RFC 9113 §8.2.3).
        this.cookie = this.cookie === undefined ? value : `${this.cookie}; ${value}`;
        return '';
      case FieldKind.contentLength:
        if (this.length !== -1 || !LENGTH.test(value)) return 'a content-length that is not one plain number';
        this.length = Number(value);
        return '';
      case FieldKind.te:
        if (value !== 'trailers') return 'a te other than trailers';
        break;
      case FieldKind.trailer:
        this.announcesTrailers = true;
        break;
      case FieldKind.webSocketKey:
        if (webSocket) return '';
    }
    this.lines += field.line;
    return '';
  }
}

/**
 * Writes the request of a stream as HTTP/1.1 has it. What HTTP/2 lets through and HTTP/1.1 reads as something else (line
 * ends and colons in the wrong place, fields that say where a body ends, a second host) is told here, before there is any
 * text: nothing that a client sends can become two requests.
 */
export function translateRequest(list: FieldList, endStream: boolean): TranslatedRequest {
  const pseudo = new Pseudo();
  const fields = new Fields();
  let inFields = false;
  for (let i = 0; i < list.count; i++) {
    const field = list.fields[i]!;
    if (field.kind <= FieldKind.protocol) {
      if (inFields) return malformed('a pseudo-header field behind the others');
      if (!pseudo.take(field.kind, field.value)) return malformed('a pseudo-header field twice');
      continue;
    }
    inFields = true;
    const problem = fields.take(field, pseudo.protocol !== '');
    if (problem !== '') return malformed(problem);
  }
  const problem = pseudo.problem || hostProblem(pseudo, fields) || lengthProblem(pseudo, fields, endStream);
  return problem === '' ? written(pseudo, fields, endStream) : malformed(problem);
}

/** A request that names two hosts could be routed by one and served by the other (RFC 9113 §8.3.1). */
function hostProblem({ authority }: Pseudo, { host }: Fields): string {
  const differ = authority !== '' && host !== undefined && authority.toLowerCase() !== host.toLowerCase();
  return differ ? 'a host that differs from :authority' : '';
}

function lengthProblem({ method }: Pseudo, { length }: Fields, endStream: boolean): string {
  if (method === 'CONNECT' && length !== -1) return 'a content-length with CONNECT';
  return endStream && length > 0 ? 'a content-length without a body' : '';
}

function written(pseudo: Pseudo, fields: Fields, endStream: boolean): TranslatedRequest {
  const { method } = pseudo;
  const authority = pseudo.authority || fields.host;
  const host = authority === undefined ? '' : `Host: ${authority}\r\n`;
  const cookie = fields.cookie === undefined ? '' : `cookie: ${fields.cookie}\r\n`;
  const lines = host + fields.lines + cookie;
  if (method === 'CONNECT') return connect(pseudo, lines);
  const start = `${method} ${pseudo.path} HTTP/1.1\r\n`;
  if (endStream) {
    const length = fields.length === 0 ? 'content-length: 0\r\n' : '';
    return {
      text: `${start}${lines}${length}\r\n`,
      method,
      body: 'none',
      length: fields.length,
      webSocketKey: '',
      problem: '',
    };
  }
  // HTTP/1.1 has trailers only behind chunks.
  if (fields.length >= 0 && !fields.announcesTrailers) {
    const text = `${start}${lines}content-length: ${fields.length}\r\n\r\n`;
    return { text, method, body: 'length', length: fields.length, webSocketKey: '', problem: '' };
  }
  const text = `${start}${lines}transfer-encoding: chunked\r\n\r\n`;
  return { text, method, body: 'chunked', length: fields.length, webSocketKey: '', problem: '' };
}

/** A WebSocket (RFC 8441) becomes an upgrade; any other CONNECT goes as it is, to be refused as not implemented. */
function connect({ protocol, authority, path }: Pseudo, lines: string): TranslatedRequest {
  if (protocol !== 'websocket') {
    const text = `CONNECT ${authority} HTTP/1.1\r\n${lines}\r\n`;
    return { text, method: 'CONNECT', body: 'none', length: -1, webSocketKey: '', problem: '' };
  }
  const webSocketKey = randomBytes(16).toString('base64');
  const upgrade = `connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ${webSocketKey}\r\n`;
  const text = `GET ${path} HTTP/1.1\r\n${lines}${upgrade}\r\n`;
  return { text, method: 'GET', body: 'tunnel', length: -1, webSocketKey, problem: '' };
}
