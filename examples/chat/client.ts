/**
 * Sends what is typed to a chat room, and shows what comes from there:
 *
 *     node client.ts 4000
 *     node client.ts 4000 chat.example.com
 *
 * It ends when the room says goodbye, and when there is no more to type (Ctrl-D), after the room has heard it all. When the
 * connection breaks it says so and dials again, later each time; what is typed meanwhile waits.
 */
import { connect } from 'node:net';
import { eachLine, GOODBYE } from './lines.ts';

const [port = '4000', host = '127.0.0.1'] = process.argv.slice(2);

/** How long to wait before the first time again, and at most, in ms; twice as long each time. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/** Dials in a row that led to no room. */
let failures = 0;

function enter(): void {
  const room = connect(Number(port), host);
  let cause = 'the room is gone';
  let over = false;
  let isRoom = false;
  eachLine(
    room,
    (line) => {
      // Only a room that speaks is one: a balancer without rooms accepts, too, and what it is told is lost.
      if (!isRoom) process.stdin.pipe(room);
      isRoom = true;
      failures = 0;
      over = line.startsWith(GOODBYE);
      console.log(line);
    },
    () => room.destroy(new Error('the room sends a line without end')),
  );
  room.on('error', (error) => {
    cause = error.message;
  });
  room.on('close', () => {
    process.stdin.unpipe(room);
    if (!over && !process.stdin.readableEnded) return enterLater(cause);
    if (over) console.log('the room has closed');
    process.stdin.destroy();
  });
}

/** Not all at once when a room goes: its guests spread over half of the time. */
function enterLater(cause: string): void {
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  const waitMs = most * (0.5 + Math.random() / 2);
  failures++;
  console.error(`the connection broke: ${cause}; again in ${(waitMs / 1000).toFixed(1)} s`);
  setTimeout(enter, waitMs);
}

enter();
