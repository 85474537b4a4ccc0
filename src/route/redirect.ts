const notPrintable = /[^\x21-\x7e]+/g;

/**
 * The Location field of a redirect: `to` as configured, an absolute URL or a path (both allowed by RFC 9110 §10.2.2),
 * with nothing of the request added, neither path nor query (as nginx's `return` and Caddy's `redir` do). What cannot
 * stand in a URI is percent-encoded as UTF-8, line breaks too, so no value can begin a second field.
 */
export function locationOf(to: string): string {
  return to.toWellFormed().replace(notPrintable, encodeURIComponent);
}
