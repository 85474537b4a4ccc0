import { Buffer } from 'node:buffer';
import { type Difference, requestDifferences, responseDifferences } from './differences.ts';
import { Oracle } from './oracle.ts';
import { type OwnReading, ownReading, type Stream } from './own.ts';
import { dangerousDifference, type Reading, readingDifference } from './reading.ts';

const oracle = new Oracle();

function read(text: string, stream: Stream): readonly [own: OwnReading, theirs: Reading] {
  const own = ownReading(Buffer.from(text, 'latin1'), stream, [text.length]);
  if (stream === 'requests') return [own, oracle.requests(text)];
  // Behind the final response the connection is not used again, whatever else came: the oracle need not see it.
  const ends = own.refused === '' && own.messages.at(-1)?.complete === true;
  return [own, oracle.responses(ends ? text.slice(0, own.used) : text, stream.method, false)];
}

function dangerOf(text: string, own: OwnReading, theirs: Reading): string {
  return dangerousDifference(own, theirs, own.used === text.length);
}

/** What is the same in a text and in the text without a difference. */
function outline({ messages, refused }: Reading): string {
  return JSON.stringify([refused !== '', messages.map(({ data, complete }) => [data, complete])]);
}

/** True when the text differs from what Node takes by `differences` alone. */
function isDeliberate(text: string, stream: Stream, differences: readonly Difference[]): boolean {
  let plain = text;
  for (const { without } of differences) plain = without(plain, read(plain, stream)[0]);
  if (plain === text) return false;
  const [own, theirs] = read(plain, stream);
  return outline(own) === outline(read(text, stream)[0]) && dangerOf(plain, own, theirs) === '';
}

/**
 * Says what is wrong with how we read a text, '' when nothing is: taken though Node's parser refuses it, read in another
 * way than Node reads it, or read differently when it comes in pieces that end at `cuts`.
 */
export function parserFault(text: string, stream: Stream, cuts: readonly number[]): string {
  const [own, theirs] = read(text, stream);
  const pieces = ownReading(Buffer.from(text, 'latin1'), stream, cuts);
  const apart = readingDifference(own, pieces) || (own.used === pieces.used ? '' : 'the end');
  if (apart !== '') return `in pieces that end at ${cuts.join()} it is read differently: ${apart}`;
  const danger = dangerOf(text, own, theirs);
  const differences = stream === 'requests' ? requestDifferences : responseDifferences;
  return danger === '' || isDeliberate(text, stream, differences) ? '' : `not as Node reads it: ${danger}`;
}
