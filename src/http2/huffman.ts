import { Buffer } from 'node:buffer';
import { latin1 } from '../support/latin1.ts';

/**
 * Bits of the code of each byte, and of the end of a string behind them (RFC 7541 Appendix B). The codes follow from them:
 * those of one length are numbered in the order of the bytes, behind those that are shorter.
 */
const LENGTHS: readonly number[] = [
  // 0x00
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28,
  // 0x20
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  // 0x40
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  // 0x60
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  // 0x80
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22,
  23, 23, 24,
  // 0xa0
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23,
  22, 22, 23,
  // 0xc0
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
  27, 27, 27,
  // 0xe0
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
  27, 27, 26, 30,
];

const END_OF_STRING = 256;

/** The code of each symbol, right-aligned. */
const CODES = canonicalCodes();

function canonicalCodes(): Uint32Array {
  const codes = new Uint32Array(LENGTHS.length);
  let code = 0;
  for (let bits = 1; bits <= 30; bits++) {
    for (let symbol = 0; symbol < LENGTHS.length; symbol++) if (LENGTHS[symbol] === bits) codes[symbol] = code++;
    code *= 2;
  }
  return codes;
}

/** Bits of a step: a byte was told; the end of the string would be in order here; what came can be no string. */
const TOLD = 0x100;
const MAY_END = 0x1_0000;
const FAILED = 0x2_0000;
const NODE_SHIFT = 20;

/**
 * What four bits lead to from each place in the tree of codes, as `node << 20 | flags | byte`: no code is shorter than five
 * bits, so four tell one byte at most.
 */
const STEPS = decodingSteps();

type Tree = (number | undefined)[][];

/** The tree of codes: at each node what 0 and 1 lead to, a node as its number, a symbol as `-1 - symbol`. */
function codeTree(): Tree {
  const tree: Tree = [[undefined, undefined]];
  for (let symbol = 0; symbol < LENGTHS.length; symbol++) {
    let node = 0;
    for (let bit = LENGTHS[symbol]! - 1; bit > 0; bit--) {
      const side = (CODES[symbol]! >>> bit) & 1;
      tree[node]![side] ??= tree.push([undefined, undefined]) - 1;
      node = tree[node]![side]!;
    }
    tree[node]![CODES[symbol]! & 1] = -1 - symbol;
  }
  return tree;
}

function decodingSteps(): Uint32Array {
  const tree = codeTree();
  const mayEnd = nodesOfPadding(tree);
  const steps = new Uint32Array(tree.length * 16);
  for (let from = 0; from < tree.length; from++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let node = from;
      let told = 0;
      for (let bit = 3; bit >= 0 && told !== FAILED; bit--) {
        const next = tree[node]![(nibble >>> bit) & 1]!;
        if (next === -1 - END_OF_STRING) told = FAILED;
        else if (next < 0) told = TOLD | (-1 - next);
        node = Math.max(next, 0);
      }
      steps[from * 16 + nibble] = ((node << NODE_SHIFT) | told | (mayEnd.has(node) ? MAY_END : 0)) >>> 0;
    }
  }
  return steps;
}

/** Where a string may end: on no or at most seven bits, all of them 1 (RFC 7541 §5.2). */
function nodesOfPadding(tree: Tree): ReadonlySet<number> {
  const nodes = new Set([0]);
  for (let bits = 0, node = 0; bits < 7; bits++) {
    node = tree[node]![1]!;
    nodes.add(node);
  }
  return nodes;
}

/** Room for what the longest string that is decoded can become: five bits are a byte at least. */
let decoded = Buffer.allocUnsafeSlow(4096);

/** The text that `bytes[pos..end)` is the code of; undefined when it is that of none. */
export function huffmanDecode(bytes: Uint8Array, pos: number, end: number): string | undefined {
  const room = ((end - pos) * 8) / 5 + 1;
  if (decoded.length < room) decoded = Buffer.allocUnsafeSlow(2 * room);
  const out = decoded;
  let length = 0;
  let step = MAY_END;
  for (; pos < end; pos++) {
    const byte = bytes[pos]!;
    step = STEPS[(step >>> NODE_SHIFT) * 16 + (byte >>> 4)]!;
    if ((step & TOLD) !== 0) out[length++] = step & 0xff;
    else if ((step & FAILED) !== 0) return undefined;
    step = STEPS[(step >>> NODE_SHIFT) * 16 + (byte & 15)]!;
    if ((step & TOLD) !== 0) out[length++] = step & 0xff;
    else if ((step & FAILED) !== 0) return undefined;
  }
  return (step & MAY_END) === 0 ? undefined : latin1(out, 0, length);
}

/** Bytes that the code of a latin1 text takes. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += LENGTHS[text.charCodeAt(i)]!;
  return (bits + 7) >>> 3;
}

/** Writes the code of a latin1 text at `at`, which takes `huffmanLength` bytes; returns where it ends. */
export function huffmanEncode(text: string, into: Uint8Array, at: number): number {
  let held = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    let left = LENGTHS[symbol]!;
    // A byte at a time, since a code may have more bits than fit into what is held.
    while (left > 0) {
      const take = Math.min(left, 8 - bits);
      left -= take;
      held = (held << take) | ((CODES[symbol]! >>> left) & ((1 << take) - 1));
      bits += take;
      if (bits < 8) continue;
      into[at++] = held;
      held = 0;
      bits = 0;
    }
  }
  if (bits > 0) into[at++] = (held << (8 - bits)) | (0xff >>> bits);
  return at;
}
