/**
 * Sends what is typed to a chat room, and shows what comes from there:
 *
 *     node client.ts 4000
 *     node client.ts 4000 chat.example.com
 *
 * It ends when the room does, with 0 when that said goodbye (a FIN) and with 1 when the connection broke; and when there
 * is no more to type (Ctrl-D), after the room has heard it all. To come back, start it again.
 */
import { connect } from 'node:net';
import { eachLine } from './lines.ts';

const [port = '4000', host = '127.0.0.1'] = process.argv.slice(2);

const room = connect(Number(port), host);
eachLine(
  room,
  (line) => console.log(line),
  () => room.destroy(new Error('the room sends a line without end')),
);
room.on('error', (error) => {
  console.error(`the connection broke: ${error.message}`);
  process.exitCode = 1;
});
room.on('close', (broke) => {
  if (!broke) console.log('the room has closed');
  process.stdin.destroy();
});
process.stdin.pipe(room);
