import type { Readable } from 'node:stream';

/** The longest line that is taken, in characters: what a stranger sends must not grow without end in memory. */
const LONGEST_LINE = 4096;

/** How the last line of a room begins that closes; nobody else can say it, since what others say begins with who they are. */
export const GOODBYE = 'goodbye from ';

/** Calls `onLine` for each line of a stream of text, and `onTooLong` once, the last call of all, for one that is too long. */
export function eachLine(stream: Readable, onLine: (line: string) => void, onTooLong: () => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', function take(text: string) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line.slice(0, LONGEST_LINE).trimEnd());
    if (rest.length <= LONGEST_LINE) return;
    stream.off('data', take);
    onTooLong();
  });
}
