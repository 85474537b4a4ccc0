import { Buffer } from 'node:buffer';
import { crc32c } from '../../src/support/crc32c.ts';

/** What every version 2 header begins with. */
export const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** A version 2 header of these parts; the length is that of `block` unless said otherwise. */
export function v2(command: number, family: number, block: Uint8Array, length = block.length): Buffer {
  return Buffer.concat([signature, Buffer.from([command, family, length >> 8, length & 0xff]), block]);
}

/** A type-length-value field. */
export function field(type: number, value: Uint8Array | string, length = Buffer.from(value).length): Buffer {
  return Buffer.concat([Buffer.from([type, length >> 8, length & 0xff]), Buffer.from(value)]);
}

/** 192.0.2.1:4660 to 198.51.100.2:443. */
export const ipv4Block = Buffer.from('c0000201' + 'c6336402' + '1234' + '01bb', 'hex');
/** 2001:db8::1 port 4660 to 2001:db8::2 port 443. */
export const ipv6Block = Buffer.from(
  '20010db8000000000000000000000001' + '20010db8000000000000000000000002' + '1234' + '01bb',
  'hex',
);

/** A header over IPv4 with these fields and a checksum behind them. */
export function summed(...fields: readonly Uint8Array[]): Buffer {
  const header = v2(0x21, 0x11, Buffer.concat([ipv4Block, ...fields, field(3, Buffer.alloc(4))]));
  header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}
