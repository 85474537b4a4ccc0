const KEY = 'fairlead-token';

/** What a request is answered. */
export interface Answered {
  readonly ok: boolean;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly body: unknown;
  /** The version of what was answered, for `If-Match`; null for none. */
  readonly etag: string | null;
}

/** The token in use; '' for none. It lives as long as the tab at most. */
export function token(): string {
  return sessionStorage.getItem(KEY) ?? '';
}

/** Takes a token into use; '' forgets it. */
export function setToken(next: string): void {
  if (next === '') sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, next);
}

/** A request to the admin API with the token, if there is one. */
export function request(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (token() !== '') headers.set('authorization', `Bearer ${token()}`);
  return fetch(path, { ...options, headers, cache: 'no-store', credentials: 'omit', redirect: 'error' });
}

/** Asks the API for JSON, or sends it some. Never rejects: an answer of status 0 is one that did not come. */
export async function ask(method: string, path: string, body?: unknown, ifMatch?: string): Promise<Answered> {
  try {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    };
    const response = await request(path, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
    const text = await response.text();
    const { ok, status } = response;
    return { ok, status, body: text === '' ? undefined : JSON.parse(text), etag: response.headers.get('etag') };
  } catch {
    return { ok: false, status: 0, body: { message: 'Fairlead does not answer' }, etag: null };
  }
}

/** What an answer that is no success says of the reason, for people. */
export function complaint({ status, body }: Answered): string {
  const message = (body as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : `answered with ${status}`;
}
