/**
 * What routing reads of a request. It holds no socket and no buffer, so that the data path, `fairlead explain` and the
 * tests route by the same code.
 */
export interface RequestFacts {
  /** As sent: methods are case-sensitive (RFC 9110 §9.1). */
  readonly method: string;
  /** Lower case, without port, brackets and trailing dot; '' when the client named none. */
  readonly host: string;
  /** The path as received, up to the `?`, neither decoded nor normalised: it begins with `/`, or is the `*` of OPTIONS. */
  readonly path: string;
  /** What follows the first `?`, as received; '' when there is none. */
  readonly query: string;
  /** The client's IP address. */
  readonly source: string;
  /** The value of a field by its lower-case name, `undefined` without one; several are joined by `, `, Cookie by `; `. */
  header(name: string): string | undefined;
  /**
   * The body's data, without the framing of chunks. `null` when there is none that can be looked at: none at all, one
   * that is compressed, or one of more than `limit` bytes. `undefined` while it has not come yet.
   */
  body(limit: number): Uint8Array | null | undefined;
}
