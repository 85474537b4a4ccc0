import { randomBytes } from 'node:crypto';

/** How the body of a request follows its head as HTTP/1.1 has it. */
export type BodyShape = 'none' | 'length' | 'chunked' | 'tunnel';

/** A request of an HTTP/2 stream as HTTP/1.1 text, or why there is none. */
export interface TranslatedRequest {
  /** The head, with its empty line; '' when the request is malformed. */
  readonly text: string;
  readonly body: BodyShape;
  /** With `length`: what Content-Length says. */
  readonly length: number;
  /** The key of a WebSocket's handshake (RFC 8441), for the answer to be checked; '' for any other request. */
  readonly webSocketKey: string;
  /** Why it is malformed (RFC 9113 §8.1.1), '' when it is not. */
  readonly problem: string;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BAD_VALUE = /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]|^[\t ]|[\t ]$/;
const TARGET = /^[\x21-\x7e]+$/;
const AUTHORITY = /^[\x21-\x7e]+$/;
const LENGTH = /^[0-9]{1,15}$/;

/** Fields of a connection, which a message of HTTP/2 may not have (RFC 9113 §8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** True for a field of the connection, of which HTTP/2 has none. */
export function isConnectionField(name: string): boolean {
  return CONNECTION_FIELDS.has(name);
}

/** True for a name and value that stand for themselves in HTTP/1.1 text too: nothing in them ends a line or begins one. */
export function isPlainField(name: string, value: string): boolean {
  return NAME.test(name) && !BAD_VALUE.test(value);
}

function malformed(problem: string): TranslatedRequest {
  return { text: '', body: 'none', length: 0, webSocketKey: '', problem };
}

type PseudoKey = 'method' | 'scheme' | 'authority' | 'path' | 'protocol';

/** The pseudo-header fields of a request (RFC 9113 §8.3.1, RFC 8441 §4); none may be empty. */
const PSEUDO_FIELDS: ReadonlyMap<string, { readonly key: PseudoKey; readonly form: RegExp }> = new Map([
  [':method', { key: 'method', form: METHOD }],
  [':scheme', { key: 'scheme', form: /^https?$/ }],
  [':authority', { key: 'authority', form: AUTHORITY }],
  [':path', { key: 'path', form: TARGET }],
  [':protocol', { key: 'protocol', form: NAME }],
]);

/** What a request says beside its fields. */
class Pseudo {
  method = '';
  scheme = '';
  authority = '';
  path = '';
  protocol = '';

  /** Takes one in; false when it is unknown, or there twice, or malformed. */
  take(name: string, value: string): boolean {
    const field = PSEUDO_FIELDS.get(name);
    if (field === undefined || this[field.key] !== '') return false;
    this[field.key] = value;
    return field.form.test(value);
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
  cookie = '';
  length = -1;
  announcesTrailers = false;

  /** Takes one in; returns what is wrong with it, '' for nothing. */
  take(name: string, value: string, webSocket: boolean): string {
    switch (name) {
      case 'host':
        if (this.host !== undefined) return 'more than one host';
        this.host = value;
        return '';
      case 'cookie':
        // A client may cut its cookies up to have them compressed (RFC 9113 §8.2.3).
        this.cookie = this.cookie === '' ? value : `${this.cookie}; ${value}`;
        return '';
      case 'content-length':
        if (this.length !== -1 || !LENGTH.test(value)) return 'a content-length that is not one plain number';
        this.length = Number(value);
        return '';
      case 'te':
        if (value !== 'trailers') return 'a te other than trailers';
        break;
      case 'trailer':
        this.announcesTrailers = true;
        break;
      case 'sec-websocket-key':
        if (webSocket) return '';
    }
    if (CONNECTION_FIELDS.has(name)) return `the connection field ${name}`;
    this.lines += `${name}: ${value}\r\n`;
    return '';
  }
}

/**
 * Writes the request of a stream as HTTP/1.1 has it. What HTTP/2 lets through and HTTP/1.1 reads as something else (line
 * ends and colons in the wrong place, fields that say where a body ends, a second host) is told here, before there is any
 * text: nothing that a client sends can become two requests. `raw` has names and values in turn, as they came.
 */
export function translateRequest(raw: readonly string[], endStream: boolean): TranslatedRequest {
  const pseudo = new Pseudo();
  const fields = new Fields();
  let inFields = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name.charCodeAt(0) === 58) {
      if (inFields) return malformed('a pseudo-header field behind the others');
      if (!pseudo.take(name, value)) return malformed('a pseudo-header field that is unknown, repeated or malformed');
      continue;
    }
    inFields = true;
    if (!NAME.test(name)) return malformed('a field name with characters that no name has');
    if (BAD_VALUE.test(value)) return malformed('a field value with characters that no value has');
    const problem = fields.take(name, value, pseudo.protocol !== '');
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
  const authority = pseudo.authority || fields.host;
  const host = authority === undefined ? '' : `Host: ${authority}\r\n`;
  const cookie = fields.cookie === '' ? '' : `cookie: ${fields.cookie}\r\n`;
  const lines = host + fields.lines + cookie;
  if (pseudo.method === 'CONNECT') return connect(pseudo, lines);
  const start = `${pseudo.method} ${pseudo.path} HTTP/1.1\r\n`;
  if (endStream) {
    const length = fields.length === 0 ? 'content-length: 0\r\n' : '';
    return { text: `${start}${lines}${length}\r\n`, body: 'none', length: 0, webSocketKey: '', problem: '' };
  }
  // HTTP/1.1 has trailers only behind chunks.
  if (fields.length >= 0 && !fields.announcesTrailers) {
    const text = `${start}${lines}content-length: ${fields.length}\r\n\r\n`;
    return { text, body: 'length', length: fields.length, webSocketKey: '', problem: '' };
  }
  const text = `${start}${lines}transfer-encoding: chunked\r\n\r\n`;
  return { text, body: 'chunked', length: 0, webSocketKey: '', problem: '' };
}

/** A WebSocket (RFC 8441) becomes an upgrade; any other CONNECT goes as it is, to be refused as not implemented. */
function connect(pseudo: Pseudo, lines: string): TranslatedRequest {
  if (pseudo.protocol !== 'websocket') {
    const text = `CONNECT ${pseudo.authority} HTTP/1.1\r\n${lines}\r\n`;
    return { text, body: 'none', length: 0, webSocketKey: '', problem: '' };
  }
  const webSocketKey = randomBytes(16).toString('base64');
  const upgrade = `connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ${webSocketKey}\r\n`;
  const text = `GET ${pseudo.path} HTTP/1.1\r\n${lines}${upgrade}\r\n`;
  return { text, body: 'tunnel', length: 0, webSocketKey, problem: '' };
}
