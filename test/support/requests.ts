/** A request as a client writes it: request line, Host unless it is among the fields, fields as given, and the body. */
export function requestText(line: string, fields: readonly string[] = [], body = ''): string {
  const host = fields.some((field) => /^host:/i.test(field)) ? [] : ['Host: a.test'];
  return [`${line}`, ...host, ...fields, '', body].join('\r\n');
}

/** A GET without a body. */
export function get(path = '/', ...fields: string[]): string {
  return requestText(`GET ${path} HTTP/1.1`, fields);
}

/** A POST with a body of known length. */
export function post(path: string, body: string, ...fields: string[]): string {
  return requestText(`POST ${path} HTTP/1.1`, [...fields, `Content-Length: ${body.length}`], body);
}

/** The chunked form of these pieces, with trailer lines behind the last chunk. */
export function chunked(pieces: readonly string[], trailers: readonly string[] = []): string {
  const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
  return `${chunks.join('')}0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`;
}
