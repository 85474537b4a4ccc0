/** Bytes that HTTP/1 framing turns on. */
export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SP = 32;
export const COLON = 58;
export const SEMICOLON = 59;
export const DASH = 45;
export const UNDERSCORE = 95;

function table(accept: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (accept(byte) ? 1 : 0));
}

const isAlphanumeric = (byte: number): boolean => /[0-9A-Za-z]/.test(String.fromCharCode(byte)) && byte < 128;

/** 1 for the bytes of a token (RFC 9110 §5.6.2): methods and field names. */
export const TOKEN = table((b) => isAlphanumeric(b) || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(b)));

/** 1 for the bytes of a field value (RFC 9110 §5.5): visible ASCII, space, tab and obs-text; no control characters. */
export const FIELD_VALUE = table((b) => b === TAB || (b >= SP && b !== 127));

/** 1 for the bytes of a request target: visible ASCII but `#`, which never goes on the wire (RFC 9112 §3.2). */
export const TARGET = table((b) => b > SP && b < 127 && b !== 35);

/** 1 for the bytes of a host name or address without its port (RFC 3986 §3.2.2), no comma: one authority, not a list. */
export const HOST = table((b) => isAlphanumeric(b) || "-._~%!$&'()*+;=".includes(String.fromCharCode(b)));

/** The value of a hexadecimal digit, 255 for any other byte. */
export const HEX = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return byte < 128 && !Number.isNaN(digit) ? digit : 255;
});

/** Lower case of ASCII letters, every other byte as it is. */
export const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
