/** The part of Node's own HTTP/1 parser that the fuzzer uses; `node:http` is built on it. */
declare module 'node:_http_common' {
  /** What a parser calls: each by its number, which is a constant of the class. */
  interface ParserCallbacks {
    [callback: number]: ((...args: never[]) => unknown) | undefined;
  }

  /** Names of methods by the numbers that the parser gives them. */
  export const methods: readonly string[];

  /** llhttp behind the binding of Node. */
  export class HTTPParser implements ParserCallbacks {
    static readonly REQUEST: 1;
    static readonly RESPONSE: 2;
    static readonly kOnMessageBegin: number;
    static readonly kOnHeaders: number;
    static readonly kOnHeadersComplete: number;
    static readonly kOnBody: number;
    static readonly kOnMessageComplete: number;
    [callback: number]: ((...args: never[]) => unknown) | undefined;
    /** Begins afresh; the flags are 0 for strict parsing. */
    initialize(type: 1 | 2, resource: object, maxHeaderSize: number, lenientFlags: number): void;
    /** Returns how many bytes were used, or an Error with `code`. */
    execute(bytes: Uint8Array): number | (Error & { readonly code: string });
    /** Says that no more bytes will come. */
    finish(): undefined | (Error & { readonly code: string });
  }
}
