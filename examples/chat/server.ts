/**
 * A chat room over plain TCP. Everybody who is connected hears what the others write, and what is typed here:
 *
 *     NAME=one PORT=4001 node server.ts
 *
 * A client that goes is told to the others, and the room stays. When it is interrupted it says goodbye, and closes.
 */
import { createServer, type Socket } from 'node:net';
import { eachLine, GOODBYE } from './lines.ts';

const name = process.env['NAME'] ?? 'room';
const port = Number(process.env['PORT'] ?? 4001);

/** A guest who reads no more of what the others write than this, in bytes, is shown the door. */
const MOST_UNREAD_BYTES = 64 * 1024;

const guests = new Map<number, Socket>();
let arrivals = 0;

/** Says a line here and to every guest but the one it comes from. */
function say(line: string, from?: number): void {
  console.log(line);
  for (const [number, guest] of guests) {
    if (number === from || !guest.writable) continue;
    if (guest.writableLength > MOST_UNREAD_BYTES) guest.destroy();
    else guest.write(`${line}\n`);
  }
}

const room = createServer((socket) => {
  const number = ++arrivals;
  guests.set(number, socket);
  socket.write(`welcome to ${name}, you are guest ${number}\n`);
  say(`guest ${number} has come`, number);
  eachLine(
    socket,
    (line) => say(`guest ${number}: ${line}`, number),
    () => socket.destroy(),
  );
  // A reset is a guest who has gone, like any other.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    guests.delete(number);
    say(`guest ${number} has gone`);
  });
});

room.listen(port, () => console.log(`${name} is open on port ${port}`));
eachLine(
  process.stdin,
  (line) => say(`${name}: ${line}`),
  () => undefined,
);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    room.close();
    for (const guest of guests.values()) guest.end(`${GOODBYE}${name}\n`);
    process.stdin.destroy();
  });
}
