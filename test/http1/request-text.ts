/** A head of these lines, from the request line on. */
export function head(...lines: string[]): string {
  return [...lines, '', ''].join('\r\n');
}

/** A GET of `/` for `a.example` with these field lines. */
export function get(...lines: string[]): string {
  return head('GET / HTTP/1.1', 'Host: a.example', ...lines);
}
