import { Buffer } from 'node:buffer';
import { completedLines, editedLines, type HeadEdit } from '../http1/head-edit.ts';
import type { RouteAction, RouteSite } from './route-site.ts';

/** The errors that Fairlead answers itself: contract of the `Fairlead-Error` field. */
export const errorStatus = {
  'bad-request': 400,
  forbidden: 403,
  'no-route': 404,
  'request-timeout': 408,
  'body-too-large': 413,
  'rate-limited': 429,
  'head-too-large': 431,
  'not-implemented': 501,
  'backend-failed': 502,
  'no-backend': 503,
  saturated: 503,
  'backend-timeout': 504,
} as const;

/** Those after which it is worth trying again. */
const retried: ReadonlySet<ErrorCode> = new Set(['no-backend', 'saturated', 'rate-limited']);

/** The code of one of Fairlead's own errors. */
export type ErrorCode = keyof typeof errorStatus;

/** The reason phrases of the statuses that Fairlead sends by itself (RFC 9110 §15, RFC 6585 §5). */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Content Too Large',
  418: "I'm a teapot",
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The reason phrase of a status, '' when it has no well-known one. */
export function reasonPhrase(status: number): string {
  return reasons[status] ?? '';
}

/** A whole answer as the wire takes it. */
export interface OwnResponse {
  readonly status: number;
  /** Field lines, each with its CRLF. */
  readonly fields: string;
  readonly body: string;
}

/**
 * One of Fairlead's own errors: a line of text that names the cause. What a route puts into its answers, `edit`, comes
 * with it, but cannot change what an error says of itself.
 */
export function errorResponse(code: ErrorCode, cause: string, edit?: HeadEdit, retryAfterS = 1): OwnResponse {
  const status = errorStatus[code];
  const retryAfter = retried.has(code) ? `Retry-After: ${retryAfterS}\r\n` : '';
  const fields = `Content-Type: text/plain; charset=utf-8\r\nFairlead-Error: ${code}\r\n${retryAfter}`;
  return { status, fields: edit === undefined ? fields : completedLines(fields, edit), body: `${cause}\n` };
}

/** What a route answers that has no pool; `undefined` when it cannot be told safely where the target is redirected. */
export function routeResponse(route: RouteSite, target: string): OwnResponse | undefined {
  const response = plainResponse(route.plan.action, route, target);
  return response && edited(response, route);
}

/** What the route changes in answers is changed in this one too. */
function edited(response: OwnResponse, { answerEdit }: RouteSite): OwnResponse {
  return answerEdit === undefined ? response : { ...response, fields: editedLines(response.fields, answerEdit) };
}

function plainResponse(action: RouteAction, { location }: RouteSite, target: string): OwnResponse | undefined {
  switch (action.kind) {
    case 'redirect': {
      const to = location!(target);
      return to === undefined ? undefined : { status: action.status, fields: `Location: ${to}\r\n`, body: '' };
    }
    case 'respond':
      return { status: action.status, fields: 'Content-Type: text/plain; charset=utf-8\r\n', body: action.body };
    default:
      throw new Error('a route with a pool answers nothing by itself');
  }
}

/** What a request is answered that is to fail. It says that it is meant so, since somebody will look for the cause. */
export function faultResponse(status: number, route: RouteSite): OwnResponse {
  const body = `the fault of route ${route.plan.name} answers ${status} on purpose\n`;
  return edited({ status, fields: 'Content-Type: text/plain; charset=utf-8\r\n', body }, route);
}

/**
 * The bytes of an answer, as latin1 text: each character is one byte, the body's being its UTF-8. `bodiless` leaves the
 * body out but not its length (HEAD, RFC 9110 §9.3.2).
 */
export function serializeResponse(response: OwnResponse, options: { close: boolean; bodiless: boolean }): string {
  const size = Buffer.byteLength(response.body);
  const length = response.status === 204 || response.status === 304 ? '' : `Content-Length: ${size}\r\n`;
  const close = options.close ? 'Connection: close\r\n' : '';
  const head = `HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}\r\n${response.fields}${length}${close}\r\n`;
  if (options.bodiless || length === '') return head;
  return head + (size === response.body.length ? response.body : Buffer.from(response.body).toString('latin1'));
}
